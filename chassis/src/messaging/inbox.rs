//! The version rule: what becomes of each record, decided before anything is applied, and claimed before anything is done.
//!
//! With `seen` the highest version applied of an order: `v <= seen` is a duplicate; `v = seen + 1` is tried; beyond is a gap and parked.
//! One event may jump a gap (undoing what never began is safe). Rows are never deleted, so there is no window to fall out of.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use shared_events::{OrderId, Version};
use sqlx::PgConnection;

use crate::{
    Tx,
    planted::{Bug, planted},
};

#[cfg(test)]
mod tests;

/// What becomes of a record. There is no "failed": what cannot be applied is parked, and nothing is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is committed.
    Handled,
    /// It had been applied before, or was jumped: no effect.
    Duplicate,
    /// It is kept, byte for byte, until it can be applied.
    Parked(Reason),
}

/// Why a record is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is broken.
    Undecodable(String),
    /// It is of a type or schema that this program does not know.
    UnknownSchema(String),
    /// It is about an order that this service does not know.
    UnknownOrder,
    /// Its predecessor is missing, or is parked itself.
    Gap {
        /// What has been applied so far.
        seen: Version,
    },
    /// Somebody holds the order back.
    Paused {
        /// Until when, unless it is ended before.
        until: DateTime<Utc>,
    },
    /// Applying it fails, and trying again at once would not help.
    Rejected(String),
}

/// A record as far as the plan needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// An event.
    Readable {
        /// Whose.
        order_id: OrderId,
        /// Its place on the lane.
        version: Version,
        /// Whether it may be applied although its predecessors are missing.
        may_jump: bool,
    },
    /// No event, though its headers may say which one it should be.
    Unreadable {
        /// Whose, and its place there.
        place: Option<(OrderId, Version)>,
        /// Why it cannot be read.
        reason: Reason,
    },
}

impl Candidate {
    /// The order it belongs to, as far as that can be told.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Candidate::Readable { order_id, .. } => Some(*order_id),
            Candidate::Unreadable { place, .. } => place.map(|(order_id, _)| order_id),
        }
    }
}

/// How far an order's lane moves in one transaction. Equal `seen` and `next` hold the place of an order of which nothing is applied yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Whose lane.
    pub order_id: OrderId,
    /// What the plan found there; `None` where there was no row.
    pub seen: Option<Version>,
    /// The lowest version that is applied; everything below it that is parked has become stale.
    pub first: Version,
    /// What has been seen once the transaction is committed.
    pub next: Version,
}

/// What becomes of each record of a batch, and what has to be claimed for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// One for each candidate, in order. The handled ones are to be applied in this order.
    pub outcomes: Vec<Outcome>,
    /// One for each order that moves, or of which something is parked; sorted by order.
    pub claims: Vec<Claim>,
}

/// Walks a batch in order and decides what becomes of each record, by the version rule alone. Pure.
///
/// `held` are orders of which nothing is tried, and why: they turned out not to exist, or somebody holds them back.
#[must_use]
pub fn plan(seen: &HashMap<OrderId, Version>, batch: &[Candidate], held: &HashMap<OrderId, Reason>) -> Plan {
    let mut lanes: BTreeMap<OrderId, Claim> = BTreeMap::new();
    let outcomes = batch
        .iter()
        .map(|candidate| match candidate {
            Candidate::Readable { order_id, version, may_jump } => {
                let lane = lane(&mut lanes, seen, *order_id);
                step(lane, *version, *may_jump, held.get(order_id))
            }
            Candidate::Unreadable { place: None, reason } => Outcome::Parked(reason.clone()),
            Candidate::Unreadable { place: Some((order_id, version)), reason } => {
                let lane = lane(&mut lanes, seen, *order_id);
                if *version <= lane.next { Outcome::Duplicate } else { Outcome::Parked(reason.clone()) }
            }
        })
        .collect::<Vec<_>>();
    let parked: HashSet<_> = batch
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Parked(_)))
        .filter_map(|(candidate, _)| candidate.order_id())
        .collect();
    let claims = lanes
        .into_values()
        // An order of which something is parked needs a row too: it is what a concurrent claim of the predecessor collides
        // with. Without one, the predecessor could be applied and never see what waits for it.
        .filter(|lane| {
            lane.seen.unwrap_or_default() < lane.next || (lane.seen.is_none() && parked.contains(&lane.order_id))
        })
        .collect();
    Plan { outcomes, claims }
}

fn lane<'a>(
    lanes: &'a mut BTreeMap<OrderId, Claim>,
    seen: &HashMap<OrderId, Version>,
    order_id: OrderId,
) -> &'a mut Claim {
    lanes.entry(order_id).or_insert_with(|| {
        let seen = seen.get(&order_id).copied();
        Claim { order_id, seen, first: seen.unwrap_or_default().next(), next: seen.unwrap_or_default() }
    })
}

fn step(lane: &mut Claim, version: Version, may_jump: bool, held: Option<&Reason>) -> Outcome {
    if planted(Bug::NoVersionGate) {
        lane.next = version;
        return Outcome::Handled;
    }
    if version <= lane.next {
        return Outcome::Duplicate;
    }
    let is_next = version == lane.next.next();
    if !(is_next || may_jump || planted(Bug::GapApplied)) {
        return Outcome::Parked(Reason::Gap { seen: lane.next });
    }
    if let Some(reason) = held {
        return Outcome::Parked(reason.clone());
    }
    if !is_next && lane.next == lane.seen.unwrap_or_default() {
        lane.first = version;
    }
    lane.next = version;
    Outcome::Handled
}

/// What the inbox knows of some lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// The highest version applied.
    pub seen: HashMap<OrderId, Version>,
    /// Those that somebody holds back: why nothing of theirs is to be tried.
    pub held: HashMap<OrderId, Reason>,
}

/// Reads how far these orders' lanes have come, and locks the rows that are there, in one order everywhere.
pub(crate) async fn read(tx: &mut Tx<'_>, orders: &[OrderId]) -> sqlx::Result<Lanes> {
    let ids: Vec<_> = orders.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select order_id, seen, case when paused_until > now() then paused_until end as paused_until
           from inbox where order_id = any ($1::uuid[]) order by order_id for no key update"#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut lanes = Lanes::default();
    for row in rows {
        let order_id = OrderId(row.order_id);
        lanes.seen.insert(order_id, Version(row.seen));
        if let Some(until) = row.paused_until {
            lanes.held.insert(order_id, Reason::Paused { until });
        }
    }
    Ok(lanes)
}

/// Whether all these places had been applied: one look, in no transaction and without a lock, because a lane only moves forward and its
/// row stays, so what is a repeat now remains one. `false` as well where something of these orders is parked.
pub(crate) async fn were_all_applied(
    connection: &mut PgConnection,
    places: &[(OrderId, Version)],
) -> sqlx::Result<bool> {
    let mut furthest: HashMap<OrderId, Version> = HashMap::with_capacity(places.len());
    for (order_id, version) in places {
        let furthest = furthest.entry(*order_id).or_default();
        *furthest = (*furthest).max(*version);
    }
    let (orders, versions): (Vec<_>, Vec<_>) = furthest.iter().map(|(order, version)| (order.0, version.0)).unzip();
    sqlx::query_scalar!(
        r#"select count(*) = cardinality($1::uuid[])
                  and not exists (select from parked_events where order_id = any ($1) and resolved_at is null) as "were!"
           from unnest($1::uuid[], $2::bigint[]) as asked (order_id, version)
           join inbox on inbox.order_id = asked.order_id and inbox.seen >= asked.version"#,
        &orders,
        &versions,
    )
    .fetch_one(connection)
    .await
}

/// What else a claim has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Nothing of these orders is parked, and until the transaction ends nobody else can park anything.
    NothingWaits,
    /// Something may be parked that becomes applicable now, or stale.
    SomethingMayWait,
}

/// Moves the lanes, each from where the plan found it. `None` where not all of them could be: somebody else has moved one, and the
/// caller rolls back and plans again.
///
/// `read` are the lanes that [`read`] has locked. It did so in a statement before this one: what was parked on them by whoever held
/// the lock before is seen here. On a lane that this claim begins nothing is parked, because whoever parks begins the lane too;
/// and neither does anybody hold it back, for the same reason.
pub(crate) async fn claim(
    tx: &mut Tx<'_>,
    read: &HashMap<OrderId, Version>,
    claims: &[Claim],
) -> sqlx::Result<Option<Claimed>> {
    if claims.is_empty() {
        return Ok(Some(Claimed::SomethingMayWait));
    }
    let (known, new): (Vec<&Claim>, Vec<&Claim>) = claims.iter().partition(|claim| claim.seen.is_some());
    let ids = |claims: &[&Claim]| claims.iter().map(|claim| claim.order_id.0).collect::<Vec<_>>();
    let next = |claims: &[&Claim]| claims.iter().map(|claim| claim.next.0).collect::<Vec<_>>();
    let seen: Vec<_> = known.iter().map(|claim| claim.seen.unwrap_or_default().0).collect();
    // One round trip. The new rows are inserted in sorted order, so that two batches cannot wait for each other in a circle.
    let row = sqlx::query!(
        r#"with moved as (
               update inbox set seen = claim.next
               from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as claim (order_id, seen, next)
               where inbox.order_id = claim.order_id and inbox.seen = claim.seen
               returning 1
           ), begun as (
               insert into inbox (order_id, seen)
               select * from unnest($4::uuid[], $5::bigint[])
               on conflict do nothing
               returning 1
           )
           select (select count(*) from moved) + (select count(*) from begun) as "claimed!",
                  exists (select from parked_events where order_id = any ($6::uuid[]) and resolved_at is null) as "waits!""#,
        &ids(&known),
        &seen,
        &next(&known),
        &ids(&new),
        &next(&new),
        &read.keys().map(|order_id| order_id.0).collect::<Vec<_>>(),
    )
    .fetch_one(&mut **tx)
    .await?;
    let are_all_ours = usize::try_from(row.claimed) == Ok(claims.len()) || planted(Bug::NoClaim);
    let claimed = if row.waits { Claimed::SomethingMayWait } else { Claimed::NothingWaits };
    Ok(are_all_ours.then_some(claimed))
}
