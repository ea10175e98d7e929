//! What we started goes with us, even when nobody gives us time to clean.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::{Postgres, Progress, ServiceProcess, ServiceSettings, wait_until};
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const SOON: Duration = Duration::from_secs(10);

async fn data_directory(url: &str) -> Result<PathBuf> {
    let mut connection = PgConnection::connect(url).await?;
    let directory: String = sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await?;
    Ok(PathBuf::from(directory))
}

/// The first line of PostgreSQL's own file is the postmaster's process id.
fn postmaster(data: &Path) -> Result<u32> {
    let lines = std::fs::read_to_string(data.join("postmaster.pid"))?;
    Ok(lines.lines().next().context("an empty pid file")?.trim().parse()?)
}

fn is_alive(pid: u32) -> bool {
    let asked = std::process::Command::new("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// The example `postgres`, and the URL it prints.
async fn example() -> Result<(Child, String)> {
    let deps = std::env::current_exe()?;
    let target = deps.ancestors().nth(2).context("a test lies in target/PROFILE/deps")?;
    let mut child = Command::new(target.join("examples/postgres"))
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the example `postgres` could not be started")?;
    let output = child.stdout.take().context("no standard output")?;
    let url = BufReader::new(output).lines().next_line().await?.context("the example ended without a URL")?;
    Ok((child, url))
}

#[tokio::test]
async fn a_server_and_its_files_go_when_its_owner_is_killed() -> Result<()> {
    let (mut owner, url) = example().await?;
    let data = data_directory(&url).await?;
    let pid = postmaster(&data)?;
    let directory = data.parent().context("no parent")?;
    ensure!(is_alive(pid) && directory.is_dir(), "the server is not there");

    owner.kill().await?;

    let gone = wait_until(SOON, async || Ok((!is_alive(pid) && !directory.exists()).then_some(()))).await?;
    gone.with_context(|| format!("the postmaster {pid} or {} is still there", directory.display()))
}

#[tokio::test]
async fn a_server_and_its_files_go_when_it_is_dropped() -> Result<()> {
    let postgres = Postgres::start_own(&Progress::hidden()).await?;
    let data = data_directory(postgres.admin_url()).await?;
    let pid = postmaster(&data)?;
    drop(postgres);
    ensure!(!is_alive(pid), "the postmaster {pid} is still there");
    ensure!(!data.exists(), "{} is still there", data.display());
    Ok(())
}

#[tokio::test]
async fn a_service_that_ends_at_once_is_reported_with_its_last_words() -> Result<()> {
    let settings = ServiceSettings {
        name: "doomed-service".to_owned(),
        binary: PathBuf::from("/bin/ls"),
        port: None,
        database_url: String::new(),
        kafka_bootstrap_servers: String::new(),
        topic_prefix: String::new(),
        partitions: 1,
        instance_id: "doomed-1".to_owned(),
        extra_args: Vec::new(),
        environment: vec![("LC_ALL".to_owned(), "C".to_owned())],
        log_directory: None,
    };
    let mut service = ServiceProcess::start(settings)?;
    let log = service.log_path().to_owned();
    let error = service.wait_ready(SOON).await.expect_err("it was no service").to_string();
    ensure!(error.contains("doomed-service ended while it was starting"), "{error}");
    ensure!(error.contains("unrecognized option '--listen"), "{error}");
    drop(service);
    ensure!(!log.exists(), "{} is still there", log.display());
    Ok(())
}
