//! The topics: as wide as each other and as ever, kept long enough, and on as many brokers as the profile asks for.

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use sqlx::PgPool;

use super::{Check, Profile, Severity};
use crate::{
    clock,
    messaging::{
        KafkaSettings, kafka,
        topics::{ANSWER_WITHIN, Shape},
    },
};

/// Both topics, as Kafka has them.
///
/// # Errors
/// Kafka does not answer.
pub async fn lanes(
    settings: &KafkaSettings,
    shapes: &[Shape; 2],
    profile: Profile,
    longest_wait: TimeDelta,
) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![equal_partitions(shapes)];
    let described = describe(settings, shapes).await?;
    for (shape, described) in shapes.iter().zip(described) {
        checks.push(replicas(shape, profile));
        match described {
            Ok(config) => checks.extend(configured(shape, &config, profile, longest_wait)),
            Err(error) => checks.push(unknown(shape, &error)),
        }
    }
    Ok(checks)
}

/// Whether both topics have equal numbers of partitions: one saga has to be one lane in each direction.
#[must_use]
pub fn equal_partitions([orders, deliveries]: &[Shape; 2]) -> Check {
    Check {
        name: "topics: partitions".to_owned(),
        found: format!(
            "topic `{}` has {} partitions and `{}` {}",
            orders.topic, orders.partitions, deliveries.topic, deliveries.partitions
        ),
        wanted: "equal numbers of partitions, because one saga has to be one lane in each direction",
        severity: Severity::refusal_unless(orders.partitions == deliveries.partitions),
    }
}

/// Whether the topics are as wide as they were when this database first used them.
///
/// # Errors
/// The database does not answer.
pub async fn remembered(pool: &PgPool, shapes: &[Shape; 2]) -> sqlx::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for Shape { name, partitions, .. } in shapes {
        let before = sqlx::query_scalar!("select partitions from lanes where topic = $1", name);
        let before = before.fetch_optional(pool).await?;
        let is_as_before = before.is_none_or(|before| usize::try_from(before) == Ok(*partitions));
        let then = before.map_or("nothing is remembered yet".to_owned(), |before| format!("there were {before}"));
        checks.push(Check {
            name: format!("{name}: partitions as ever"),
            found: format!("there are {partitions}, {then}"),
            wanted: "the same number for ever, because an order's lane is chosen by it (docs/sagactl.md, preflight)",
            severity: Severity::refusal_unless(is_as_before),
        });
    }
    Ok(checks)
}

/// Remembers how wide the topics are.
///
/// # Errors
/// The database does not answer.
pub async fn remember(pool: &PgPool, shapes: &[Shape; 2]) -> anyhow::Result<()> {
    for Shape { name, partitions, .. } in shapes {
        sqlx::query!(
            "insert into lanes (topic, partitions, since) values ($1, $2, $3)
             on conflict (topic) do update set partitions = excluded.partitions, since = excluded.since
             where lanes.partitions <> excluded.partitions",
            name,
            i32::try_from(*partitions)?,
            clock::now()
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// The configurations of both topics, in the same order; an error where Kafka tells one to nobody like us.
async fn describe(
    settings: &KafkaSettings,
    shapes: &[Shape; 2],
) -> anyhow::Result<[Result<ConfigResource, String>; 2]> {
    let admin: AdminClient<DefaultClientContext> = kafka::admin(settings).create().context("no Kafka client")?;
    let topics = shapes.each_ref().map(|shape| ResourceSpecifier::Topic(&shape.name));
    let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
    let described =
        admin.describe_configs(&topics, &options).await.context("Kafka does not tell how topics are set")?;
    let described = described.into_iter().map(|one| one.map_err(|code| code.to_string()));
    let described: Vec<Result<ConfigResource, String>> = described.collect();
    described.try_into().map_err(|_| anyhow!("Kafka did not tell how both topics are set"))
}

fn configured(shape: &Shape, config: &ConfigResource, profile: Profile, longest_wait: TimeDelta) -> [Check; 4] {
    let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
    [
        in_sync(shape, &value("min.insync.replicas"), profile),
        retention(shape, &value("retention.ms"), longest_wait),
        size(shape, &value("retention.bytes")),
        cleanup(shape, &value("cleanup.policy")),
    ]
}

fn unknown(shape: &Shape, error: &str) -> Check {
    Check {
        name: format!("{}: settings", shape.name),
        found: format!("Kafka does not tell them: {error}"),
        wanted: "the right to describe the topic's configuration",
        severity: Severity::Warning,
    }
}

pub(super) fn replicas(shape: &Shape, profile: Profile) -> Check {
    Check {
        name: format!("{}: replicas", shape.name),
        found: format!("{} for the profile {profile}", shape.replicas),
        wanted: "3 for production, 1 for development: what is acknowledged must outlive a broker",
        severity: Severity::refusal_unless(shape.replicas >= profile.replicas()),
    }
}

pub(super) fn in_sync(shape: &Shape, value: &str, profile: Profile) -> Check {
    let fits = value.parse::<usize>().is_ok_and(|replicas| replicas >= profile.in_sync());
    Check {
        name: format!("{}: in-sync replicas", shape.name),
        found: format!("min.insync.replicas={value} for the profile {profile}"),
        wanted: "2 for production, 1 for development: an acknowledgement is worth as many copies",
        severity: Severity::refusal_unless(fits),
    }
}

pub(super) fn retention(shape: &Shape, value: &str, longest_wait: TimeDelta) -> Check {
    // -1: for ever.
    let fits = value.parse::<i64>().is_ok_and(|ms| ms < 0 || ms >= longest_wait.num_milliseconds());
    let longest = longest_wait.num_seconds();
    Check {
        name: format!("{}: retention", shape.name),
        found: format!("retention.ms={value}, and the longest deadline is {longest} s"),
        wanted: "no shorter than the longest deadline: what an order waits for must not be deleted before it is read",
        severity: Severity::refusal_unless(fits),
    }
}

pub(super) fn size(shape: &Shape, value: &str) -> Check {
    let unlimited = value.parse::<i64>().is_ok_and(|bytes| bytes < 0);
    Check {
        name: format!("{}: retention by size", shape.name),
        found: format!("retention.bytes={value}"),
        wanted: "no limit: by size, records are deleted however young they are",
        severity: if unlimited { Severity::Fine } else { Severity::Warning },
    }
}

pub(super) fn cleanup(shape: &Shape, value: &str) -> Check {
    Check {
        name: format!("{}: compaction", shape.name),
        found: format!("cleanup.policy={value}"),
        wanted: "cleanup.policy=delete: compaction keeps the last event of an order and deletes those before it",
        severity: Severity::refusal_unless(value == "delete"),
    }
}
