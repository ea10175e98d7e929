//! What becomes of a delivery, and what is announced about it: made together, saved together.

use shared_events::{Announce, Event, EventKind, Slot, Stamp};

use super::{Couriers, Delivery, Plan, Status, Terms};

/// What a command is decided with: where there is room, who can carry, and what was settled.
#[derive(Debug)]
pub struct Means<'a> {
    /// The zones of the deliveries that may get another place.
    pub plan: &'a mut Plan,
    /// Those who are asked to carry something, and those who do.
    pub couriers: &'a mut Couriers,
    /// How often, and how late.
    pub terms: Terms,
}

/// A delivery after a command or an event, with all that follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The delivery as it is now.
    pub delivery: Delivery,
    /// What becomes of a place in a slot. [`Delivery::begin`] and [`Delivery::decide`] have applied it to the plan they were
    /// given; after [`Delivery::react`] it is for the caller to [apply](super::Plan::apply).
    pub slot: Option<SlotChange>,
    /// What becomes of couriers' loads. [`Delivery::decide`] has applied it to the couriers it was given.
    pub couriers: Vec<CourierChange>,
    /// What the order side is told.
    pub announce: Announce,
    /// Set if the event was impossible by the order side's table: nothing else is changed then.
    pub anomaly: Option<Anomaly>,
    /// When it was decided, and the id of what is announced.
    pub stamp: Stamp,
}

/// A place in a slot changes hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotChange {
    /// The delivery takes a place.
    Take(Slot),
    /// The place is free again.
    GiveBack(Slot),
    /// Another day: one place is free again, and another is taken.
    Move {
        /// Where it was.
        from: Slot,
        /// Where it is.
        to: Slot,
    },
}

impl SlotChange {
    /// By how many places which slots change.
    pub fn places(&self) -> impl Iterator<Item = (&Slot, i64)> {
        let (taken, given_back) = match self {
            SlotChange::Take(slot) => (Some(slot), None),
            SlotChange::GiveBack(slot) => (None, Some(slot)),
            SlotChange::Move { from, to } => (Some(to), Some(from)),
        };
        given_back.map(|slot| (slot, -1)).into_iter().chain(taken.map(|slot| (slot, 1)))
    }
}

/// A courier's load changes by one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CourierChange {
    /// One more to carry.
    Load(String),
    /// One less.
    Free(String),
}

impl CourierChange {
    /// Whose load.
    #[must_use]
    pub fn courier(&self) -> &str {
        match self {
            CourierChange::Load(courier) | CourierChange::Free(courier) => courier,
        }
    }

    /// By how many parcels.
    #[must_use]
    pub fn parcels(&self) -> i64 {
        match self {
            CourierChange::Load(_) => 1,
            CourierChange::Free(_) => -1,
        }
    }
}

/// An event that cannot follow what was there. Kept, counted and alerted; it moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// What came.
    pub kind: EventKind,
    /// What the delivery was.
    pub status: Status,
}

impl Decision {
    /// Nothing becomes of it.
    pub(super) fn none(delivery: Delivery, stamp: Stamp) -> Self {
        Self { delivery, slot: None, couriers: Vec::new(), announce: Announce::Nothing, anomaly: None, stamp }
    }

    /// This event cannot follow.
    pub(super) fn anomaly(delivery: Delivery, event: &Event, stamp: Stamp) -> Self {
        let anomaly = Anomaly { kind: event.kind(), status: delivery.status };
        Self { anomaly: Some(anomaly), ..Self::none(delivery, stamp) }
    }

    /// It takes on a status that the order side is told of, under the next version.
    pub(super) fn announced(mut delivery: Delivery, status: Status, event: Event, stamp: Stamp) -> Self {
        delivery.status = status;
        // A new wait begins.
        (delivery.attention, delivery.deadline) = (None, None);
        delivery.version = delivery.version.next();
        Self { announce: Announce::New(event), ..Self::none(delivery, stamp) }
    }

    /// Whether all is as it was: a command given twice is answered, not saved.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.slot.is_none() && self.couriers.is_empty() && self.announce == Announce::Nothing && self.anomaly.is_none()
    }
}
