//! Records that cannot be applied now: kept byte for byte, out of everybody's way, until they can be.
//!
//! A parked event leaves its lane's `seen` where it is, so its successors are gaps by the version rule alone and the order of
//! one saga is kept; every other order flows.

use std::collections::HashMap;

use shared_events::{OrderId, Version};

use super::{
    inbox::{Candidate, Outcome, Plan, Reason},
    record::Record,
};
use crate::{Tx, clock};

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

/// Parks what the plan says, or counts one more try of what is parked already.
pub(crate) async fn park(
    tx: &mut Tx<'_>,
    batch: &[Record],
    candidates: &[Candidate],
    outcomes: &[Outcome],
) -> sqlx::Result<()> {
    // One statement each: this is the path of broken records, and of a lane whose first is broken, never the common one.
    for ((record, candidate), outcome) in batch.iter().zip(candidates).zip(outcomes) {
        if let Outcome::Parked(reason) = outcome {
            metrics::counter!("parked_events_total", "cause" => reason.cause()).increment(1);
            park_one(tx, record, place(candidate), reason).await?;
        }
    }
    Ok(())
}

fn place(candidate: &Candidate) -> Option<(OrderId, Version)> {
    match candidate {
        Candidate::Readable { order_id, version, .. } => Some((*order_id, *version)),
        Candidate::Unreadable { place, .. } => *place,
    }
}

async fn park_one(
    tx: &mut Tx<'_>,
    record: &Record,
    place: Option<(OrderId, Version)>,
    reason: &Reason,
) -> sqlx::Result<()> {
    // PostgreSQL's text cannot hold U+0000; a header with one in its name is kept under the replacement character.
    let names: Vec<_> = record.headers.iter().map(|(name, _)| name.replace('\0', "\u{fffd}")).collect();
    let values: Vec<_> = record.headers.iter().map(|(_, value)| value.clone()).collect();
    let now = clock::now();
    sqlx::query!(
        r#"insert into parked_events (id, topic, "partition", "offset", order_id, version, key, header_names, header_values, payload,
                                      cause, error, parked_at, next_attempt_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, case when $14 then $13::timestamptz + interval '1 second' end)
           on conflict (topic, "partition", "offset", order_id, version) do update
           set cause = excluded.cause, error = excluded.error,
               -- What was only waiting behind another has not failed yet: its own tries begin now.
               attempts = case when parked_events.cause = 'gap' and $14 then 1 else parked_events.attempts + 1 end,
               next_attempt_at = case
                   when $14 and parked_events.cause = 'gap' then $13 + interval '1 second'
                   when $14 and parked_events.attempts + 1 < $15
                       then $13 + least($16, power(2, parked_events.attempts)) * interval '1 second' end
           where parked_events.resolved_at is null"#,
        clock::fresh_id(),
        record.topic,
        record.partition,
        record.offset,
        place.map(|(order_id, _)| order_id.0),
        place.map(|(_, version)| version.0),
        record.key,
        &names,
        &values as &[Option<Vec<u8>>],
        record.payload,
        reason.cause(),
        reason.text(),
        now,
        reason.is_retried(),
        TRIES,
        LONGEST_WAIT_S as f64,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
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
