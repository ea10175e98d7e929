//! Records that cannot be applied now: kept byte for byte, out of everybody's way, until they can be.
//!
//! A parked event leaves its lane's `seen` where it is, so its successors are gaps by the version rule alone and the order of
//! one saga is kept; every other order flows.

use std::collections::{BTreeMap, HashMap};

use shared_events::{OrderId, Version};

use super::{
    inbox::{Candidate, Outcome, Plan, Reason},
    record::Record,
};
use crate::{Tx, clock, database::column};

/// The first of a lane that is parked is tried again after 1 s × 2ⁿ, at most this, so often; then it rests until somebody acts.
const LONGEST_WAIT_S: i64 = 300;
const TRIES: i32 = 8;

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
        }
    }

    fn text(&self) -> String {
        match self {
            Reason::Undecodable(text) | Reason::UnknownSchema(text) | Reason::Rejected(text) => {
                text.replace('\0', "\u{fffd}")
            }
            Reason::UnknownOrder => "this service does not know the order".to_owned(),
            Reason::Gap { seen } => {
                format!("version {} comes first, and {seen} is the last that was applied", seen.next())
            }
        }
    }

    /// Whether time alone may heal it. A gap waits for its predecessor, and what cannot be read for another program.
    fn is_retried(&self) -> bool {
        match self {
            Reason::UnknownOrder | Reason::Rejected(_) => true,
            Reason::Undecodable(_) | Reason::UnknownSchema(_) | Reason::Gap { .. } => false,
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
            metrics::counter!("parked_events_total", "cause" => reason.cause()).increment(1);
            let place = place(candidate);
            // After a rebalance a record can be in one batch twice. One statement writes a row once.
            parked.insert((&record.topic, record.partition, record.offset, place), (record, reason));
        }
    }
    if !parked.is_empty() {
        write(tx, &parked).await?;
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
    let rows: Vec<_> = parked.iter().map(|((.., place), (record, reason))| (place, record, reason)).collect();
    // Lists of different lengths do not fit into an array of arrays: the headers of all records stand one behind the other.
    let headers: Vec<_> = rows.iter().flat_map(|(_, record, _)| &record.headers).collect();
    let until = rows.iter().scan(0, |until, (_, record, _)| {
        *until += i32::try_from(record.headers.len()).unwrap_or(i32::MAX);
        Some(*until)
    });
    sqlx::query!(
        r#"insert into parked_events as parked (id, topic, "partition", "offset", order_id, version, key, payload, cause, error,
                                                header_names, header_values, parked_at, next_attempt_at)
           select id, topic, "partition", "offset", order_id, version, key, payload, cause, error,
                  ($1::text[])[until - headers + 1:until], ($2::bytea[])[until - headers + 1:until],
                  $3::timestamptz, case when is_retried then $3 + interval '1 second' end
           from unnest($4::uuid[], $5::text[], $6::integer[], $7::bigint[], $8::uuid[], $9::bigint[], $10::bytea[], $11::bytea[],
                       $12::text[], $13::text[], $14::boolean[], $15::integer[], $16::integer[])
                as new (id, topic, "partition", "offset", order_id, version, key, payload, cause, error, is_retried, headers, until)
           on conflict (topic, "partition", "offset", order_id, version) do update
           set cause = excluded.cause, error = excluded.error,
               -- What was only waiting behind another has not failed yet: its own tries begin now.
               attempts = case when parked.cause = 'gap' and excluded.next_attempt_at is not null then 1 else parked.attempts + 1 end,
               next_attempt_at = case
                   when parked.cause = 'gap' then excluded.next_attempt_at
                   when excluded.next_attempt_at is not null and parked.attempts + 1 < $17
                       then $3 + least($18, power(2, parked.attempts)) * interval '1 second' end
           where parked.resolved_at is null"#,
        // PostgreSQL's text cannot hold U+0000; a header with one in its name is kept under the replacement character.
        &column(&headers, |(name, _)| name.replace('\0', "\u{fffd}")),
        &column(&headers, |(_, value)| value.as_deref()) as _,
        clock::now(),
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
        &column(&rows, |(.., reason)| reason.is_retried()),
        &column(&rows, |(_, record, _)| i32::try_from(record.headers.len()).unwrap_or(i32::MAX)),
        &until.collect::<Vec<_>>(),
        TRIES,
        LONGEST_WAIT_S as f64,
    )
    .execute(&mut **tx)
    .await
    .map(drop)
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
