//! What both sides tell of what waits.

use std::collections::BTreeMap;

use chassis::messaging::lane::{Announcement, Held, Parked};
use chassis::messaging::stuck::Cause as OwnCause;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared_events::Version;
use uuid::Uuid;

use crate::journey::Waiting;
use crate::services::{Services, Side, Sides};

/// So many orders are asked for in one go.
pub(super) const AT_ONCE: usize = 100;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub orders: Vec<Uuid>,
    pub older_than_s: Option<u64>,
    pub most: usize,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub sagas: BTreeMap<Uuid, Saga>,
    /// The sides that did not tell, and why not.
    pub unseen: BTreeMap<Side, String>,
    /// Whether there is more than was asked for.
    pub more: bool,
}

/// One order, as both sides see it.
#[derive(Debug, Default)]
pub(super) struct Saga {
    /// As it stands on the list of what waits.
    pub items: Sides<Option<Item>>,
    /// What was said and heard; none where that side did not tell.
    pub lanes: Sides<Option<Lane>>,
}

/// An entry of a side's list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Item {
    pub order_id: Uuid,
    pub status: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub waiting_for: Option<Waiting>,
    pub attention: Option<String>,
    pub cause: OwnCause,
    pub detail: String,
    pub lane: Lane,
}

/// What was said and heard of an order.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Lane {
    pub announced: Vec<Announcement>,
    pub seen: Option<Version>,
    pub parked: Vec<Parked>,
    pub held: Vec<Held>,
}

impl Lane {
    /// Whether something of the order lies here: an event that has not gone out, or a record that is parked.
    pub fn has_something(&self) -> bool {
        let is_unsent = self.announced.iter().any(|one| one.unsent_since.is_some());
        is_unsent || self.parked.iter().any(|parked| parked.resolved_at.is_none())
    }

    /// What keeps this side from reading on, if something does.
    pub fn held_reading(&self, side: Side) -> Option<&Held> {
        self.held.iter().find(|held| held.holds_reading(side.announces_on()))
    }

    /// What was announced here, has gone out, and has come to nothing over there.
    pub fn on_the_way_to(&self, other: &Lane) -> impl Iterator<Item = &Announcement> {
        let has_arrived = |version: Version| {
            let is_parked =
                |parked: &Parked| parked.resolved_at.is_none() && parked.version.is_none_or(|it| it == version);
            version <= other.seen.unwrap_or_default() || other.parked.iter().any(is_parked)
        };
        self.announced.iter().filter(move |one| one.unsent_since.is_none() && !has_arrived(one.version))
    }
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct OrderLane {
    order_id: Uuid,
    #[serde(flatten)]
    lane: Lane,
}

/// Asks both sides. The order side first: what it knows of the other has happened before the other is asked.
pub(super) async fn gather(services: &Services, asked: &Asked) -> Facts {
    let mut facts = Facts::default();
    for side in Side::BOTH {
        match list(services, side, asked).await {
            Ok((items, more)) => {
                facts.more |= more;
                items.into_iter().for_each(|item| facts.take_in(side, item));
            }
            Err(error) => drop(facts.unseen.insert(side, format!("{error:#}"))),
        }
    }
    for side in Side::BOTH {
        let missing: Vec<Uuid> = facts.without_lane(side);
        for orders in missing.chunks(AT_ONCE) {
            match lanes(services, side, orders).await {
                Ok(lanes) => facts.take_in_lanes(side, lanes),
                Err(error) => drop(facts.unseen.insert(side, format!("{error:#}"))),
            }
        }
    }
    facts
}

impl Facts {
    fn take_in(&mut self, side: Side, item: Item) {
        let saga = self.sagas.entry(item.order_id).or_default();
        // Of the same moment as the rest.
        *saga.lanes.of_mut(side) = Some(item.lane.clone());
        *saga.items.of_mut(side) = Some(item);
    }

    fn take_in_lanes(&mut self, side: Side, lanes: Vec<OrderLane>) {
        for OrderLane { order_id, lane } in lanes {
            *self.sagas.entry(order_id).or_default().lanes.of_mut(side) = Some(lane);
        }
    }

    /// The orders of which this side has not told, if it tells anything.
    fn without_lane(&self, side: Side) -> Vec<Uuid> {
        let is_seen = !self.unseen.contains_key(&side);
        let without = self.sagas.iter().filter(|(_, saga)| is_seen && saga.lanes.of(side).is_none());
        without.map(|(id, _)| *id).collect()
    }
}

/// What waits on this side, and whether there is more.
async fn list(services: &Services, side: Side, asked: &Asked) -> anyhow::Result<(Vec<Item>, bool)> {
    let mut found = Vec::new();
    let older = asked.older_than_s.map(|seconds| format!("&older_than_s={seconds}")).unwrap_or_default();
    let mut cursor = String::new();
    loop {
        let left = asked.most.saturating_sub(found.len());
        let path = format!("/stuck?limit={}{older}{}{cursor}", left.clamp(1, AT_ONCE), named(&asked.orders, "&"));
        let page: Option<Items<Item>> = services.read(side, &path).await?;
        let Some(Items { items, next_cursor }) = page else { anyhow::bail!("{side} has no list of what waits") };
        found.extend(items);
        match next_cursor {
            None => return Ok((found, false)),
            Some(_) if found.len() >= asked.most => return Ok((found, true)),
            Some(next) => cursor = format!("&cursor={next}"),
        }
    }
}

async fn lanes(services: &Services, side: Side, orders: &[Uuid]) -> anyhow::Result<Vec<OrderLane>> {
    let page: Option<Items<OrderLane>> = services.read(side, &format!("/lanes{}", named(orders, "?"))).await?;
    page.map(|page| page.items).ok_or_else(|| anyhow::anyhow!("{side} does not tell of lanes"))
}

fn named(orders: &[Uuid], begins: &str) -> String {
    let ids: Vec<String> = orders.iter().map(Uuid::to_string).collect();
    if ids.is_empty() { String::new() } else { format!("{begins}order_id={}", ids.join(",")) }
}
