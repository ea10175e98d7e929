//! What a database has lost, because it was restored from an older copy, and the topics still have: what this side announced, and what the
//! other side said about it.
//!
//! The service rebuilds its rows from its own words, which are facts on the other side. What the other side has said comes again by itself:
//! the consumer group is forgotten, so that the next start reads from the beginning, and the inbox knows what is a repeat.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use rdkafka::{
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use serde_json::json;
use shared_events::{Envelope, OrderId, Topic, Version, wire::data_schema};
use sqlx::PgPool;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    kafka::{self, KafkaSettings},
    reactions::Reactions,
    reader::Reader,
};
use crate::{
    Failure, Tx,
    access::{Principal, Scope, Scopes},
    audit,
};

/// How many lost events are dealt with at most: they are kept in memory. After more than that, a copy is too old to go on from.
const MOST_LOST: usize = 1_000_000;
/// How many events are looked up in the log together.
const TOGETHER: usize = 1_000;

/// What was lost of one order, in the order in which it was announced.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    /// What this side had announced and does not know any more.
    pub own: Vec<Envelope>,
    /// All that the other side has announced about the order.
    pub others: Vec<Envelope>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The orders of which something had been lost, and is there again.
    pub orders: Vec<OrderId>,
    /// Those that could not be rebuilt, and why.
    pub failed: Vec<(OrderId, String)>,
}

/// Whose words are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The topic of this side.
    pub own: Topic,
    /// That of the other one.
    pub others: Topic,
}

/// Who rebuilds, and why.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Their name.
    pub by: &'a str,
    /// What they say.
    pub reason: &'a str,
    /// The service whose rows are rebuilt.
    pub service: &'a str,
}

/// Finds what is lost. Changes nothing.
///
/// # Errors
/// When Kafka or the database does not answer, or more is lost than can be kept in memory.
pub async fn find(settings: &KafkaSettings, pool: &PgPool, sides: Sides) -> anyhow::Result<BTreeMap<OrderId, Lost>> {
    let mut lost: BTreeMap<OrderId, Lost> = BTreeMap::new();
    let mut count = 0;
    let mut chunk = Vec::with_capacity(TOGETHER);
    let mut announced = read(settings, sides.own);
    loop {
        let event = announced.recv().await.transpose()?;
        let is_over = event.is_none();
        chunk.extend(event);
        if chunk.len() == TOGETHER || (is_over && !chunk.is_empty()) {
            for envelope in unknown(pool, std::mem::take(&mut chunk)).await? {
                let own = &mut lost.entry(envelope.order_id).or_default().own;
                if !own.iter().any(|known| known.version == envelope.version) {
                    own.push(envelope);
                    count += 1;
                }
            }
            ensure!(count <= MOST_LOST, "more than {MOST_LOST} events are lost: this copy is too old");
        }
        if is_over {
            break;
        }
    }
    let mut said = read(settings, sides.others);
    while let Some(envelope) = said.recv().await.transpose()? {
        if let Some(lost) = lost.get_mut(&envelope.order_id)
            && !lost.others.iter().any(|known| known.version == envelope.version)
        {
            lost.others.push(envelope);
        }
    }
    for lost in lost.values_mut() {
        lost.own.sort_by_key(|envelope| envelope.version);
        lost.others.sort_by_key(|envelope| envelope.version);
    }
    Ok(lost)
}

/// Rebuilds what is lost, each order in a transaction of its own, the oldest first. Who has asked for it is written down with the first
/// of them; by itself, if there is none: how far the service has read is forgotten by then.
///
/// # Errors
/// The database does not answer. What was rebuilt before stays.
pub async fn rebuild<R: Reactions>(
    pool: &PgPool,
    reactions: &R,
    lost: &BTreeMap<OrderId, Lost>,
    account: Account<'_>,
) -> anyhow::Result<Recalled> {
    let mut recalled = Recalled::default();
    for (order_id, one) in lost {
        let mut tx = Tx::from(pool.begin().await?);
        match rebuild_one(&mut tx, reactions, *order_id, one).await {
            Ok(()) => {
                if recalled.orders.is_empty() {
                    write_down(&mut tx, account, lost.len()).await?;
                }
                tx.commit().await?;
                recalled.orders.push(*order_id);
            }
            Err(Failure::Transient(error)) => return Err(error),
            Err(failure) => {
                tx.rollback().await?;
                recalled.failed.push((*order_id, format!("{failure:#}")));
            }
        }
    }
    if recalled.orders.is_empty() {
        let mut tx = Tx::from(pool.begin().await?);
        write_down(&mut tx, account, lost.len()).await?;
        tx.commit().await?;
    }
    Ok(recalled)
}

async fn write_down(tx: &mut Tx<'_>, account: Account<'_>, lost: usize) -> sqlx::Result<()> {
    let Account { by, reason, service } = account;
    let operator = Principal::new(by, Scopes::of(&[Scope::Operator]));
    audit::record(tx, &operator, "recall", service, reason, json!({ "lost_orders": lost })).await
}

async fn rebuild_one<R: Reactions>(
    tx: &mut Tx<'_>,
    reactions: &R,
    order_id: OrderId,
    lost: &Lost,
) -> Result<(), Failure> {
    let seen = reactions.recall(tx, lost).await?;
    log(tx, &lost.own).await?;
    let claimed = sqlx::query!(
        "insert into inbox (order_id, seen) select $1::uuid, $2::bigint where $2::bigint > 0
         on conflict (order_id) do update set seen = greatest(inbox.seen, excluded.seen)",
        order_id.0,
        seen.0
    );
    claimed.execute(&mut **tx).await?;
    Ok(())
}

/// Writes down what was announced. It is in the topic, so nothing points to it.
async fn log(tx: &mut Tx<'_>, own: &[Envelope]) -> Result<(), Failure> {
    for one in own {
        let data = one.event.to_json().context("an event has no JSON form").map_err(Failure::Permanent)?;
        let logged = sqlx::query!(
            "insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            one.order_id.0,
            one.version.0,
            one.id.0,
            one.event.kind().name(),
            data_schema(one.event.kind()),
            one.time,
            one.cause.id,
            one.cause.trace_parent,
            data,
        );
        logged.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Those that the log does not know, but for those that it need not know any more.
async fn unknown(pool: &PgPool, announced: Vec<Envelope>) -> sqlx::Result<Vec<Envelope>> {
    let unknown = sqlx::query!(
        r#"select asked.order_id as "order_id!", asked.version as "version!"
           from unnest($1::uuid[], $2::bigint[]) as asked (order_id, version)
           left join event_log using (order_id, version)
           left join event_log_horizon on true
           where event_log.event_id is null and (event_log_horizon.before is null or asked.order_id >= event_log_horizon.before)"#,
        &announced.iter().map(|one| one.order_id.0).collect::<Vec<_>>(),
        &announced.iter().map(|one| one.version.0).collect::<Vec<_>>(),
    );
    let unknown: BTreeSet<(Uuid, i64)> =
        unknown.fetch_all(pool).await?.into_iter().map(|row| (row.order_id, row.version)).collect();
    Ok(announced.into_iter().filter(|one| unknown.contains(&(one.order_id.0, one.version.0))).collect())
}

/// Forgets how far the group has read, so that it begins at the beginning.
///
/// # Errors
/// Somebody still reads in this group, or Kafka does not answer.
pub async fn forget_group(settings: &KafkaSettings, group: &str) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = kafka::admin(settings).create().context("no Kafka client")?;
    for deleted in admin.delete_groups(&[group], &AdminOptions::new()).await.context("Kafka does not answer")? {
        use rdkafka::types::RDKafkaErrorCode::{GroupIdNotFound, NonEmptyGroup};
        match deleted {
            Ok(_) | Err((_, GroupIdNotFound)) => {}
            Err((group, NonEmptyGroup)) => {
                bail!("somebody still reads as `{group}`: stop every instance, and wait ten seconds")
            }
            Err((group, code)) => bail!("the group `{group}` cannot be forgotten: {code}"),
        }
    }
    Ok(())
}

/// Everything readable that a topic has at this moment, partition after partition as it comes. What cannot be read nobody has acted upon.
fn read(settings: &KafkaSettings, topic: Topic) -> mpsc::Receiver<anyhow::Result<Envelope>> {
    let (sender, receiver) = mpsc::channel(TOGETHER);
    let settings = settings.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read_all(&settings, topic, &sender) {
            // Fails where nobody reads on: then nobody needs to know.
            drop(sender.blocking_send(Err(error)));
        }
    });
    receiver
}

fn read_all(settings: &KafkaSettings, topic: Topic, to: &mpsc::Sender<anyhow::Result<Envelope>>) -> anyhow::Result<()> {
    let mut reader = Reader::from_beginning(settings, topic)?;
    reader.look_ahead()?;
    let read = reader.read(|seen| match seen.record.envelope(topic) {
        // As above.
        Ok(envelope) => drop(to.blocking_send(Ok(envelope))),
        Err(error) => {
            tracing::debug!(%error, offset = seen.record.offset, "passed over, as it cannot be read: {error}");
        }
    });
    read.map(drop)
}

impl Lost {
    /// Which of the other side's events brought this one; none where somebody asked for it.
    #[must_use]
    pub fn version_of_cause(&self, own: &Envelope) -> Option<Version> {
        self.others.iter().find(|other| other.id.to_string() == own.cause.id).map(|other| other.version)
    }
}
