//! What the program does instead of serving, once and then it ends: for whoever runs it where there is nothing but the program.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    Service,
    lanes::{TRY_AGAIN_AFTER, TopicError, topics_are_right},
};
use crate::{Deadlines, Reactions, Settings, commit::Requests, config::Chore, database, telemetry};

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
        telemetry::start(settings.log_format)?;
        let pools = database::connect(&settings.database_url, self.name).await?;
        database::migrate(&pools.requests, &self.migrations).await?;
        Ok("the tables are up to date".to_owned())
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
        match topics_are_right(&settings, service).await {
            Ok(count) => return Ok(format!("both topics have {count} partitions")),
            Err(TopicError::Away(error)) if Instant::now() < give_up_at => {
                tracing::info!(%error, "the topics are not there yet: {error:#}");
                sleep(TRY_AGAIN_AFTER).await;
            }
            Err(TopicError::Away(error) | TopicError::Wrong(error)) => return Err(error),
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
