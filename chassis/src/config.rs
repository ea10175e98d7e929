//! Settings: one struct gives flags, environment and `--help`.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use chrono::TimeDelta;
use clap::{Args, builder::NonEmptyStringValueParser};
use url::Url;

use crate::{access::AccessSettings, growth::Retention, http::Name, messaging::KafkaSettings, preflight::Profile};

/// What an instance of either service is told. Every flag can also be given by the environment variable beside it. A service
/// flattens these into a struct of its own, with what only it needs to know.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port for HTTP [default: the service's own port on 127.0.0.1].
    #[arg(long, env = "LISTEN")]
    pub listen: Option<SocketAddr>,
    /// The service's own PostgreSQL database.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        required = false,
        required_unless_present_any = ["health", "topics"],
        default_value_ifs = [("health", "true", ""), ("topics", "true", "")]
    )]
    pub database_url: String,
    /// Kafka's bootstrap servers, with commas between them.
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVERS", default_value = "127.0.0.1:9092")]
    pub kafka_bootstrap_servers: String,
    /// Put before the names of topics and of the consumer group.
    #[arg(long, env = "TOPIC_PREFIX", default_value = "")]
    pub topic_prefix: String,
    /// Create the topics where they are missing.
    #[arg(long, env = "CREATE_TOPICS")]
    pub create_topics: bool,
    /// How many partitions topics get that are created.
    #[arg(long, env = "PARTITIONS", default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=1000))]
    pub partitions: i32,
    /// How many replicas topics get that are created.
    #[arg(long, env = "REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=9))]
    pub replicas: i32,
    /// What the topics have to withstand: `production` asks for three replicas of which two are in sync.
    #[arg(long, env = "PROFILE", value_enum, default_value_t = Profile::Development)]
    pub profile: Profile,
    /// Start although the preflight found something wrong, and only warn. Topics of another width are remembered as they are now.
    #[arg(long, env = "DESPITE_PREFLIGHT")]
    pub despite_preflight: bool,
    /// This instance's name: the same after a restart, different for every instance that runs at once.
    #[arg(long, env = "INSTANCE_ID", default_value_t = host_name())]
    pub instance_id: String,
    /// How many requests may be worked on at once; what comes on top gets a 503.
    #[arg(long, env = "MAX_CONCURRENT_REQUESTS", default_value_t = 1024)]
    pub max_concurrent_requests: usize,
    /// How many connections are kept open at once; what comes on top waits to be accepted.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 4096)]
    pub max_connections: usize,
    /// How long a request may take, in milliseconds.
    #[arg(long, env = "REQUEST_TIMEOUT_MS", default_value_t = 10_000)]
    pub request_timeout_ms: u64,
    /// How long each stage of an orderly stop may take, in milliseconds.
    #[arg(long, env = "STOP_TIMEOUT_MS", default_value_t = 10_000)]
    pub stop_timeout_ms: u64,
    /// How often to look for what has waited too long, in milliseconds.
    #[arg(long, env = "SWEEP_EVERY_MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub sweep_every_ms: u64,
    /// How long announced events are kept after their order was placed, in days. What may still be needed is kept longer.
    #[arg(long, env = "EVENT_LOG_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(3..=3_650))]
    pub event_log_retention_days: u16,
    /// How many days of orders a new partition of the event log is for. Partitions that are there stay as they are.
    #[arg(long, env = "EVENT_LOG_PARTITION_DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub event_log_partition_days: u16,
    /// How long a parked event is kept after it was resolved, in days.
    #[arg(long, env = "PARKED_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub parked_retention_days: u16,
    /// How long the answer to a request with an Idempotency-Key is kept, in hours. After that, the same key is a new request.
    #[arg(long, env = "IDEMPOTENCY_RETENTION_HOURS", default_value_t = 72, value_parser = clap::value_parser!(u16).range(1..=8_760))]
    pub idempotency_retention_hours: u16,
    /// How the log is written. What is logged is told by RUST_LOG.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Who may come in.
    #[command(flatten)]
    pub access: AccessSettings,
    /// What to do instead of serving.
    #[command(flatten)]
    pub chores: Chores,
    /// Who asks for it, where that is written down.
    #[command(flatten)]
    pub account: Account,
}

/// What is done instead of serving: one thing, and then the program ends. At most one of them.
#[derive(Debug, Clone, Copy, Default, Args)]
#[group(multiple = false)]
pub struct Chores {
    /// Ask the instance that listens at --listen whether it is ready, and end: with 0 if it is. Needs no database.
    #[arg(long)]
    health: bool,
    /// Bring the tables up to date, and end.
    #[arg(long)]
    migrate: bool,
    /// Create both topics where they are missing, wait until they are there, and end. Needs no database.
    #[arg(long)]
    topics: bool,
    /// After the database was restored from an older copy: list what it does not know any more and the topics do, or rebuild it, and
    /// end. No instance may run meanwhile. To rebuild it, somebody has to say who they are, and why.
    #[arg(long, value_enum)]
    recall: Option<Recall>,
}

/// Whoever rebuilds what was lost is written down, like all that operators do.
#[derive(Debug, Clone, Default, Args)]
pub struct Account {
    /// With --recall apply: who does it.
    #[arg(long, value_name = "WHO", requires = "recall")]
    recall_by: Option<Name>,
    /// With --recall apply: why.
    #[arg(long, value_name = "WHY", requires = "recall", value_parser = NonEmptyStringValueParser::new())]
    recall_reason: Option<String>,
}

/// What to do about what the database has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Recall {
    /// Only say what it is.
    List,
    /// Rebuild it.
    Apply,
}

impl Account {
    /// Their name, and why; none where either was not said.
    pub(crate) fn told(&self) -> Option<(&str, &str)> {
        Some((&self.recall_by.as_ref()?.0, self.recall_reason.as_deref()?))
    }
}

/// One of [`Chores`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chore {
    Health,
    Migrate,
    Topics,
    Recall(Recall),
}

impl Chores {
    /// The one that is asked for; none when the service is to serve.
    pub(crate) fn asked(self) -> Option<Chore> {
        let all = [(self.health, Chore::Health), (self.migrate, Chore::Migrate), (self.topics, Chore::Topics)];
        let flag = all.into_iter().find_map(|(asked, chore)| asked.then_some(chore));
        flag.or(self.recall.map(Chore::Recall))
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Every setting as it is in force, secrets masked.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = self.clone();
        shown.database_url = masked(&self.database_url);
        format!("{shown:?}")
    }

    pub(crate) fn kafka(&self) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: self.kafka_bootstrap_servers.clone(),
            prefix: self.topic_prefix.clone(),
            instance_id: self.instance_id.clone(),
        }
    }

    pub(crate) fn stop_timeout(&self) -> Duration {
        Duration::from_millis(self.stop_timeout_ms)
    }

    pub(crate) fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }

    /// How long is kept what is of use only for a while.
    ///
    /// # Errors
    /// When the event log would be cut into too few partitions to drop one now and then, or into more than a query should look at.
    pub(crate) fn retention(&self) -> anyhow::Result<Retention> {
        let (kept, partition) = (self.event_log_retention_days, self.event_log_partition_days);
        ensure!(
            (3..=120).contains(&(kept / partition)),
            "the event log is kept for {kept} days (--event-log-retention-days) in partitions of {partition} days \
             (--event-log-partition-days): it has to be 3 to 120 partitions"
        );
        Ok(Retention {
            event_log: TimeDelta::days(kept.into()),
            partition_days: partition,
            parked_events: TimeDelta::days(self.parked_retention_days.into()),
            idempotency_keys: TimeDelta::hours(self.idempotency_retention_hours.into()),
        })
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "local".to_owned(), |name| name.trim().to_owned())
}

fn masked(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "***".to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    // A password may also stand behind the question mark.
    url.set_query(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        settings: Settings,
    }

    fn told(flags: &[&str]) -> Settings {
        let told = ["service", "--database-url=postgres://nowhere"].iter().chain(flags);
        Told::try_parse_from(told).expect("every other setting has a default").settings
    }

    #[test]
    fn what_is_kept_for_how_long_is_told_in_days_and_hours() {
        let kept = told(&[]).retention().expect("the defaults fit together");
        assert_eq!((kept.event_log.num_days(), kept.partition_days), (90, 7));
        assert_eq!((kept.parked_events.num_days(), kept.idempotency_keys.num_hours()), (30, 72));
    }

    #[test]
    fn the_event_log_is_kept_in_neither_too_few_partitions_nor_too_many() {
        for (kept, partition, fits) in [(21, 7, true), (20, 7, false), (120, 1, true), (121, 1, false), (3, 1, true)] {
            let kept =
                [&*format!("--event-log-retention-days={kept}"), &*format!("--event-log-partition-days={partition}")];
            assert_eq!(told(&kept).retention().is_ok(), fits, "{kept:?}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(masked("postgres://me:secret@host:5432/db?password=secret"), "postgres://me:***@host:5432/db");
        assert_eq!(masked("postgres://me@host/db"), "postgres://me@host/db");
        assert_eq!(masked("host=x password=secret"), "***");
    }
}
