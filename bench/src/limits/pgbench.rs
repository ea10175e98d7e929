//! PostgreSQL's own benchmark: as many clients as are asked for, each sending a script again and again.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chassis::SESSION_PLANS;
use devstack::Postgres;
use reqwest::Url;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{database::Database, placing};

/// What is to be sent, and by how many at once.
pub struct Load {
    /// One transaction, as pgbench reads it.
    pub script: &'static str,
    /// How many orders it places.
    pub orders: u32,
    /// How many clients send it.
    pub clients: u32,
    /// When they stop.
    pub until: Until,
}

/// When the clients stop.
pub enum Until {
    /// After so much time.
    Passed(Duration),
    /// When each has sent it so many times.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test looks at what one transaction leaves"))]
    Sent(u32),
}

impl Load {
    /// How many orders a second it places. They are counted in the table as well.
    pub async fn run(&self, database: &Database) -> Result<f64> {
        let before = database.orders().await?;
        let said = said(self.command(database)?, self.script).await?;
        let per_second = f64::from(self.orders) * number(&said, "tps = ")?;
        let claimed = f64::from(self.orders) * number(&said, "number of transactions actually processed: ")?;
        ensure!(number(&said, "number of failed transactions: ")? == 0.0, "Transactions failed:\n{said}");
        let there = database.orders().await? - before;
        ensure!(there as f64 == claimed, "pgbench speaks of {claimed} orders, but {there} are there:\n{said}");
        Ok(per_second)
    }

    fn command(&self, database: &Database) -> Result<Command> {
        let mut url = Url::parse(&database.url)?;
        let mut pgbench = Command::new(Postgres::client_program("pgbench")?);
        // A command line can be read by everybody on the machine.
        pgbench.env("PGPASSWORD", url.password().unwrap_or_default());
        ensure!(url.set_password(None).is_ok(), "The URL of the database cannot go without its password.");
        // As the service's own sessions.
        let plans = SESSION_PLANS.map(|(setting, value)| format!("-c {setting}={value}"));
        pgbench.env("PGOPTIONS", plans.join(" "));
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--file=-"]);
        pgbench.arg(format!("--client={}", self.clients)).arg(match self.until {
            Until::Passed(time) => format!("--time={}", time.as_secs()),
            Until::Sent(times) => format!("--transactions={times}"),
        });
        for (name, value) in placing::variables()? {
            pgbench.arg(format!("--define={name}={value}"));
        }
        pgbench.arg(url.as_str());
        Ok(pgbench)
    }
}

/// Runs it with the script on its standard input, and returns what it says.
async fn said(mut pgbench: Command, script: &str) -> Result<String> {
    pgbench.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut running = pgbench.spawn().context("pgbench could not be run.")?;
    let mut input = running.stdin.take().context("pgbench has no standard input.")?;
    input.write_all(script.as_bytes()).await.context("pgbench does not read its script.")?;
    drop(input);
    let ended = running.wait_with_output().await?;
    let complaints = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "pgbench failed: {complaints}");
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// The number that stands behind these words.
fn number(said: &str, words: &str) -> Result<f64> {
    let behind = said.split_once(words).with_context(|| format!("pgbench says nothing of {words:?}:\n{said}"))?.1;
    let end = behind.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(behind.len());
    behind[..end].parse().with_context(|| format!("pgbench tells no number after {words:?}:\n{said}"))
}
