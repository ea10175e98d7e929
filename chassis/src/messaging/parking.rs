//! Records that cannot be applied now: kept byte for byte, out of everybody's way, until they can be.
//!
//! A parked event leaves its lane's `seen` where it is, so its successors are gaps by the version rule alone and the order of
//! one saga is kept; every other order flows.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{OrderId, Version};

use super::{
    dead_letters,
    inbox::{Candidate, Outcome, Plan, Reason},
    record::Record,
};
use crate::{
    Tx, clock,
    database::column,
    planted::{Bug, planted},
};

/// The first of a lane that is parked is tried again after 1 s × 2ⁿ, at most this, so often; then it rests until somebody acts.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(1);
const LONGEST_WAIT_S: i64 = 300;
const TRIES: i32 = 8;

/// The names of all reasons, in the table and in answers.
pub const CAUSES: [&str; 6] = ["undecodable", "unknown_schema", "unknown_order", "gap", "rejected", "paused"];

impl Reason {
    /// Its name in the table.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Reason::Undecodable(_) => "undecodable",
            Reason::UnknownSchema(_) => "unknown_schema",
            Reason::UnknownOrder => "unknown_order",
            Reason::Gap { .. } => "gap",
            Reason::Rejected(_) => "rejected",
            Reason::Paused { .. } => "paused",
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Reason::Undecodable(text) | Reason::UnknownSchema(text) | Reason::Rejected(text) => {
                text.replace('\0', "\u{fffd}")
            }
            Reason::UnknownOrder => "this service does not know the order".to_owned(),
            Reason::Gap { seen } => {
                format!("version {} comes first, and {seen} is the last that was applied", seen.next())
            }
            Reason::Paused { until } => format!("the order is paused until {until}"),
        }
    }

    /// When it is tried for the second time, where time alone may heal it. A gap waits for its predecessor, and what cannot be read
    /// for another program.
    fn retried_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Reason::UnknownOrder | Reason::Rejected(_) => Some(now + FIRST_WAIT),
            Reason::Paused { until } => Some(*until),
            Reason::Undecodable(_) | Reason::UnknownSchema(_) | Reason::Gap { .. } => None,
        }
    }
}

/// Parks what the plan says, or counts one more try of what is parked already. Returns how many records that were.
pub(crate) async fn park(
    tx: &mut Tx<'_>,
    batch: &[Record],
    candidates: &[Candidate],
    outcomes: &[Outcome],
) -> sqlx::Result<usize> {
    let mut parked = Parked::new();
    for ((record, candidate), outcome) in batch.iter().zip(candidates).zip(outcomes) {
        if let Outcome::Parked(reason) = outcome {
            if planted(Bug::PoisonSwallowed) && matches!(reason, Reason::Undecodable(_)) {
                continue;
            }
            metrics::counter!("parked_events_total", "cause" => reason.cause()).increment(1);
            let place = place(candidate);
            // After a rebalance a record can be in one batch twice. One statement writes a row once.
            parked.insert((&record.topic, record.partition, record.offset, place), (record, reason));
        }
    }
    if !parked.is_empty() {
        write(tx, &parked).await?;
        dead_letters::point(tx, parked.keys().map(|(topic, partition, offset, _)| (*topic, *partition, *offset)))
            .await?;
    }
    Ok(parked.len())
}

/// What is to be parked, by what a row of the table is known by.
type Parked<'a> = BTreeMap<(&'a str, i32, i64, Option<(OrderId, Version)>), (&'a Record, &'a Reason)>;

fn place(candidate: &Candidate) -> Option<(OrderId, Version)> {
    match candidate {
        Candidate::Readable { order_id, version, .. } => Some((*order_id, *version)),
        Candidate::Unreadable { place, .. } => *place,
    }
}

async fn write(tx: &mut Tx<'_>, parked: &Parked<'_>) -> sqlx::Result<()> {
    let rows: Vec<_> = parked.iter().map(|((.., place), (record, reason))| (place, *record, reason)).collect();
    let headers: Vec<_> = rows.iter().flat_map(|(_, record, _)| &record.headers).collect();
    let now = clock::now();
    sqlx::query!(
        r#"insert into parked_events as parked (id, topic, "partition", "offset", order_id, version, key, payload, cause, error,
                                                header_names, header_values, parked_at, next_attempt_at)
           select id, topic, "partition", "offset", order_id, version, key, payload, cause, error,
                  ($1::text[])[until - headers + 1:until], ($2::bytea[])[until - headers + 1:until],
                  $3::timestamptz, retried_at
           from unnest($4::uuid[], $5::text[], $6::integer[], $7::bigint[], $8::uuid[], $9::bigint[], $10::bytea[], $11::bytea[],
                       $12::text[], $13::text[], $14::timestamptz[], $15::integer[], $16::integer[])
                as new (id, topic, "partition", "offset", order_id, version, key, payload, cause, error, retried_at, headers, until)
           on conflict (topic, "partition", "offset", order_id, version, digest) do update
           set cause = excluded.cause, error = excluded.error,
               -- What was only waiting has not failed yet: its own tries begin now. And what is held back is not tried.
               attempts = case when excluded.cause = 'paused' then parked.attempts
                               when parked.cause in ('gap', 'paused') and excluded.next_attempt_at is not null then 1
                               else parked.attempts + 1 end,
               next_attempt_at = case
                   when parked.cause in ('gap', 'paused') or excluded.cause = 'paused' then excluded.next_attempt_at
                   when excluded.next_attempt_at is not null and parked.attempts + 1 < $17
                       then $3 + least($18, power(2, parked.attempts)) * interval '1 second' end
           where parked.resolved_at is null"#,
        // PostgreSQL's text cannot hold U+0000; a header with one in its name is kept under the replacement character.
        &column(&headers, |(name, _)| name.replace('\0', "\u{fffd}")),
        &column(&headers, |(_, value)| value.as_deref()) as _,
        now,
        &column(&rows, |_| clock::fresh_id()),
        &column(&rows, |(_, record, _)| &*record.topic) as _,
        &column(&rows, |(_, record, _)| record.partition),
        &column(&rows, |(_, record, _)| record.offset),
        &column(&rows, |(place, ..)| place.map(|(order_id, _)| order_id.0)) as _,
        &column(&rows, |(place, ..)| place.map(|(_, version)| version.0)) as _,
        &column(&rows, |(_, record, _)| record.key.as_deref()) as _,
        &column(&rows, |(_, record, _)| record.payload.as_deref()) as _,
        &column(&rows, |(.., reason)| reason.cause()) as _,
        &column(&rows, |(.., reason)| reason.text()),
        &column(&rows, |(.., reason)| reason.retried_at(now)) as _,
        &column(&rows, |(_, record, _)| i32::try_from(record.headers.len()).unwrap_or(i32::MAX)),
        &ends_of_headers(rows.iter().map(|(_, record, _)| *record)),
        TRIES,
        LONGEST_WAIT_S as f64,
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Where the headers of each record end, when those of all stand one behind the other: lists of different lengths do not fit into an
/// array of arrays.
fn ends_of_headers<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<i32> {
    let ends = records.scan(0, |end, record| {
        *end += i32::try_from(record.headers.len()).unwrap_or(i32::MAX);
        Some(*end)
    });
    ends.collect()
}

/// Closes parked copies of what has been applied or jumped, and makes due what comes next on these lanes. Says whether
/// something is due now.
pub(crate) async fn resolve_and_release(
    tx: &mut Tx<'_>,
    seen: &HashMap<OrderId, Version>,
    candidates: &[Candidate],
    plan: &Plan,
) -> sqlx::Result<bool> {
    let mut lanes: HashMap<OrderId, (Version, Version)> = HashMap::new();
    for order_id in candidates.iter().filter_map(Candidate::order_id) {
        let seen = seen.get(&order_id).copied().unwrap_or_default();
        lanes.insert(order_id, (seen.next(), seen));
    }
    lanes.extend(plan.claims.iter().map(|claim| (claim.order_id, (claim.first, claim.next))));
    lanes.retain(|_, (_, next)| *next > Version::NONE);
    if lanes.is_empty() {
        return Ok(false);
    }
    let released = sqlx::query_scalar!(
        r#"update parked_events parked
           set resolved_at = case when version <= lane.next then $4::timestamptz end,
               resolution = case when version > lane.next then null when version >= lane.first then 'applied' else 'stale' end,
               next_attempt_at = case when version > lane.next then $4 end
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as lane (order_id, first, next)
           where parked.order_id = lane.order_id and parked.resolved_at is null
             and (parked.version <= lane.next or (parked.version = lane.next + 1 and parked.cause = 'gap' and lane.first <= lane.next))
           returning parked.next_attempt_at is not null as "is_due!""#,
        &lanes.keys().map(|id| id.0).collect::<Vec<_>>(),
        &lanes.values().map(|(first, _)| first.0).collect::<Vec<_>>(),
        &lanes.values().map(|(_, next)| next.0).collect::<Vec<_>>(),
        clock::now(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(released.contains(&true))
}
