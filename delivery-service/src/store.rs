//! All SQL of the delivery side. A batch in, a batch out.
//!
//! **Locks, in this one order everywhere**, so that reactions and requests cannot deadlock: deliveries by id → zones by
//! id → couriers by id. Each is taken by a sorted `select … for no key update` before anything is written.
//!
//! - A delivery is locked by its own id also where it is looked for by its order.
//! - **A zone's row is the lock of its whole calendar**: whoever takes a place, gives one back or changes the zone's
//!   terms holds it. That is one lock in place of one for each day, and a day whose row is not there yet needs no
//!   lock of its own. Slots are read after the zone is locked, so what is read is what is written.
//! - Which zones could serve an address is read by the statement that locks them, before it waits for them. An order that
//!   is planned while a zone's prefixes change goes by the old or by the new ones; its weight and its place are judged by
//!   what the lock shows.
//! - What may not be there yet (a zone or a courier being put) is inserted first, in sorted order, then locked with the
//!   rest: a transaction that waits for such an insert holds no lock of that level.

mod couriers;
mod deliveries;
mod lists;
mod reads;
mod zones;

use std::collections::BTreeMap;

use chassis::Tx;
use chassis::messaging::{Outgoing, announce};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{Announce, Cause, DeliveryId, Envelope, EventId, EventKind, Slot, Version};

use crate::domain::{Decision, Delivery, SlotChange, Status, Zone};

pub use couriers::{create_couriers, lock_couriers};
pub use deliveries::{lock_deliveries, lock_overdue, oldest_open, transitions};
pub use lists::{Filter, page_of_couriers, page_of_deliveries, page_of_zones, waiting};
pub use reads::{find_courier, find_delivery, find_zone, journey_of};
pub use zones::{create_zones, find_plan, load_plan};

/// A delivery as it is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What the domain knows.
    pub delivery: Delivery,
    /// How many rows its history has.
    pub changes: i64,
}

/// When a delivery took on a status, and through what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The status it took on.
    pub status: Status,
    /// When.
    pub at: DateTime<Utc>,
    /// The event or the command that brought it.
    pub cause: String,
    /// The id of the event or of the request behind it.
    pub cause_id: String,
}

/// What made a decision necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody asked; the command's name.
    Command(&'static str),
    /// Something had happened on the other side.
    Event {
        /// The event.
        id: EventId,
        /// What it was.
        kind: EventKind,
        /// Its place among the order side's events.
        version: Version,
    },
    /// Its time was up.
    Deadline,
    /// An operator has given up the order's first event.
    GivenUp,
    /// The database had lost it, and it was rebuilt from what had been announced.
    Recalled {
        /// The other side's event that had brought it, if one had.
        version: Option<Version>,
    },
}

impl Origin {
    fn what(self) -> &'static str {
        match self {
            Origin::Command(name) => name,
            Origin::Event { kind, .. } => kind.name(),
            Origin::Deadline => "deadline_passed",
            Origin::GivenUp => "given_up",
            Origin::Recalled { .. } => "recalled",
        }
    }

    fn event_version(self) -> Option<i64> {
        match self {
            Origin::Command(_) | Origin::Deadline => None,
            Origin::Event { version, .. } => Some(version.0),
            Origin::GivenUp => Some(Version::NONE.next().0),
            Origin::Recalled { version } => version.map(|version| version.0),
        }
    }
}

/// A decision with what the history tells of it.
#[derive(Debug)]
pub struct Made {
    /// What was decided.
    pub decision: Decision,
    /// The number of its row in the delivery's history.
    pub number: i64,
    /// Why anything was decided.
    pub origin: Origin,
    /// What travels on with what is announced.
    pub cause: Cause,
}

impl Made {
    /// The delivery as it is kept from now on.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored { delivery: self.decision.delivery.clone(), changes: self.number }
    }

    /// The row of the history.
    #[must_use]
    pub fn transition(&self) -> Transition {
        let (status, at) = (self.decision.delivery.status, self.decision.stamp.at);
        Transition { status, at, cause: self.origin.what().to_owned(), cause_id: self.cause.id.clone() }
    }

    fn outgoing(&self) -> Option<Outgoing> {
        let delivery = &self.decision.delivery;
        match &self.decision.announce {
            Announce::Nothing => None,
            Announce::Again(version) => Some(Outgoing::Again { order_id: delivery.order_id, version: *version }),
            Announce::New(event) => Some(Outgoing::New(Envelope {
                id: self.decision.stamp.event_id,
                order_id: delivery.order_id,
                version: delivery.version,
                time: self.decision.stamp.at,
                cause: self.cause.clone(),
                event: event.clone(),
            })),
        }
    }
}

/// Everything that one batch changes.
#[derive(Debug, Default)]
pub struct Changes {
    /// What was decided about deliveries, in the order in which it was.
    pub made: Vec<Made>,
    /// Zones with their new terms, and the last day that keeps the old ones.
    pub zones: BTreeMap<String, (Zone, NaiveDate)>,
    /// Couriers' new names and capacities.
    pub couriers: BTreeMap<String, (String, i64)>,
}

/// Writes a batch whole: rows, history and announcements. The locks have been taken before.
///
/// # Errors
/// The database refuses or does not answer; the transaction is lost.
pub async fn save(tx: &mut Tx<'_>, changes: &Changes) -> sqlx::Result<()> {
    zones::save_zones_and_places(tx, &changes.zones, &changes.made).await?;
    couriers::save_couriers(tx, &changes.couriers, &changes.made).await?;
    if !changes.made.is_empty() {
        deliveries::save_deliveries(tx, &changes.made).await?;
        deliveries::save_anomalies(tx, &changes.made).await?;
    }
    let outgoing: Vec<_> = changes.made.iter().filter_map(Made::outgoing).collect();
    announce(tx, &outgoing).await?;
    count(&changes.made);
    Ok(())
}

/// Counted before the commit: a batch that is rolled back and taken again counts twice.
fn count(made: &[Made]) {
    for decision in made.iter().map(|made| &made.decision) {
        let status = decision.delivery.status.name();
        match &decision.announce {
            Announce::New(_) => metrics::counter!("deliveries_total", "status" => status).increment(1),
            // Told again, or not worth telling: the status is what it was.
            Announce::Again(_) | Announce::Nothing => {}
        }
        if let Some(SlotChange::Move { .. }) = decision.slot {
            metrics::counter!("deliveries_put_off_total").increment(1);
        }
        if let Some(anomaly) = decision.anomaly {
            metrics::counter!("anomalies_total", "event" => anomaly.kind.name(), "status" => status).increment(1);
        }
    }
}

/// The last state of each delivery: two decisions about one are saved once.
fn latest(made: &[Made]) -> BTreeMap<DeliveryId, &Made> {
    made.iter().map(|made| (made.decision.delivery.id, made)).collect()
}

/// By how many places each slot changes. Taken and given back again is a change by none.
fn places(made: &[Made]) -> BTreeMap<&Slot, i64> {
    let mut places = BTreeMap::new();
    let changes = made.iter().filter_map(|made| made.decision.slot.as_ref());
    for (slot, difference) in changes.flat_map(SlotChange::places) {
        *places.entry(slot).or_insert(0) += difference;
    }
    places
}

/// By how many parcels each courier's load changes.
fn parcels(made: &[Made]) -> BTreeMap<&str, i64> {
    let mut parcels = BTreeMap::new();
    for change in made.iter().flat_map(|made| &made.decision.couriers) {
        *parcels.entry(change.courier()).or_insert(0) += change.parcels();
    }
    parcels
}
