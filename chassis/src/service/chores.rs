//! What the program does instead of serving, once and then it ends: for whoever runs it where there is nothing but the program.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    Service,
    lanes::{TRY_AGAIN_AFTER, topics_are_there},
};
use crate::{
    Deadlines, Reactions, Settings,
    commit::Requests,
    config::{Chore, Recall},
    database,
    messaging::recall,
    preflight, telemetry,
};

/// How long an instance may take to say whether it is ready.
const HEALTH_WITHIN: Duration = Duration::from_secs(5);
/// More than its answer ever is.
const HEALTH_BYTES: u64 = 8 * 1024;
/// How long Kafka may take to have both topics, from a start of its own.
const TOPICS_WITHIN: Duration = Duration::from_secs(60);

impl<Q: Requests, R: Reactions, D: Deadlines> Service<Q, R, D> {
    /// Does it, and says in a sentence what came of it.
    pub(super) async fn carry_out(self, chore: Chore, settings: Settings) -> ExitCode {
        let name = self.name;
        let done = match chore {
            Chore::Health => health(self.address(&settings)).await,
            Chore::Migrate => self.migrate(&settings).await,
            Chore::Topics => make_topics(settings, name).await,
            Chore::Recall(Recall::List) => self.list_lost(&settings).await,
            Chore::Recall(Recall::Apply) => self.rebuild_lost(&settings).await,
        };
        match done {
            Ok(sentence) => {
                println!("{name}: {sentence}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    async fn migrate(self, settings: &Settings) -> anyhow::Result<String> {
        self.migrated(settings).await?;
        Ok("the tables are up to date".to_owned())
    }
}

impl<Q: Requests, R: Reactions, D: Deadlines> Service<Q, R, D> {
    /// Lists what the database has lost. Changes nothing.
    async fn list_lost(self, settings: &Settings) -> anyhow::Result<String> {
        let pool = self.migrated(settings).await?;
        let lost = recall::find(&settings.kafka(), &pool, self.sides()).await?;
        for (order_id, lost) in &lost {
            let own: Vec<_> = lost.own.iter().map(|one| format!("{} {}", one.event.kind(), one.version)).collect();
            println!("order {order_id}: {}", own.join(", "));
        }
        Ok(format!("{} orders are not known as they were announced; nothing was changed", lost.len()))
    }

    /// Rebuilds what the database has lost, and writes down who has asked for it. Fails where something could not be rebuilt.
    async fn rebuild_lost(self, settings: &Settings) -> anyhow::Result<String> {
        let told = settings.account.told();
        let (by, reason) = told.context("who rebuilds what was lost, and why? (--recall-by, --recall-reason)")?;
        let pool = self.migrated(settings).await?;
        let kafka = settings.kafka();
        // First of all: whoever still reads is told before anything is changed.
        recall::forget_group(&kafka, &format!("{}{}", kafka.prefix, self.name)).await?;
        let lost = recall::find(&kafka, &pool, self.sides()).await?;
        let account = recall::Account { by, reason, service: self.name };
        let recalled = recall::rebuild(&pool, &self.reactions, &lost, account).await?;
        for (order_id, why) in &recalled.failed {
            println!("order {order_id} could not be rebuilt: {why}");
        }
        let (done, failed) = (recalled.orders.len(), recalled.failed.len());
        ensure!(failed == 0, "{done} orders were rebuilt, and {failed} could not be: see above, and try again");
        Ok(format!("{done} orders were rebuilt; what the other side has said since is read again at the next start"))
    }

    /// The database, with its tables as this program knows them.
    async fn migrated(&self, settings: &Settings) -> anyhow::Result<PgPool> {
        telemetry::start(settings.log_format)?;
        let pools = database::connect(&settings.database_url, self.name).await?;
        database::migrate(&pools.requests, &self.migrations).await?;
        Ok(pools.requests)
    }

    fn sides(&self) -> recall::Sides {
        recall::Sides { own: self.announces_on, others: self.listens_to }
    }
}

/// Asks whether the instance there is ready. By hand, because a service has no HTTP client: it could call the other one with it.
async fn health(listens: SocketAddr) -> anyhow::Result<String> {
    let address = SocketAddr::new(reachable(listens.ip()), listens.port());
    let asked = timeout(HEALTH_WITHIN, ask(address)).await;
    let answer = asked.with_context(|| format!("{address} does not answer within {HEALTH_WITHIN:?}"))??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(format!("{address} is ready")),
        Some(_) | None => bail!("{address} is not ready: {}", if body.is_empty() { head } else { body }),
    }
}

async fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(address).await.with_context(|| format!("nothing listens on {address}"))?;
    let request = format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.take(HEALTH_BYTES).read_to_string(&mut answer).await.context("the answer broke off")?;
    Ok(answer)
}

/// Who listens everywhere listens here too.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}

/// Creates both topics where they are missing, and waits until they can be used. Those that are there stay as they are.
async fn make_topics(settings: Settings, service: &str) -> anyhow::Result<String> {
    telemetry::start(settings.log_format)?;
    let settings = Settings { create_topics: true, ..settings };
    let give_up_at = Instant::now() + TOPICS_WITHIN;
    loop {
        match topics_are_there(&settings, service).await {
            Ok(shapes) => {
                preflight::judge(&[preflight::equal_partitions(&shapes)], settings.despite_preflight)?;
                return Ok(format!("both topics have {} partitions", shapes[0].partitions));
            }
            Err(error) if Instant::now() < give_up_at => {
                tracing::info!(%error, "the topics are not there yet: {error:#}");
                sleep(TRY_AGAIN_AFTER).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        let asked = |ip: &str| reachable(ip.parse().expect("an address")).to_string();
        assert_eq!(asked("0.0.0.0"), "127.0.0.1");
        assert_eq!(asked("::"), "::1");
        assert_eq!(asked("192.0.2.7"), "192.0.2.7");
    }
}
