//! What is shown of deliveries, zones and couriers.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared_events::{Address, CreationFailure, DeliveryFailed, DeliveryId, OrderId, Proof, Slot, Version};

use crate::domain::{Attempt, Attention, Courier, Delivery, Status, WaitingFor, Zone};
use crate::store::Transition;

/// A delivery.
#[derive(Debug, Serialize)]
pub struct DeliveryView<'a> {
    /// Its own identity.
    pub id: DeliveryId,
    order_id: OrderId,
    status: Status,
    slot: Option<&'a Slot>,
    promised_date: Option<NaiveDate>,
    attempts: &'a [Attempt],
    address: Option<&'a Address>,
    weight_g: i64,
    courier: Option<&'a str>,
    proof: Option<&'a Proof>,
    failure: Option<&'a DeliveryFailed>,
    waiting_for: Option<WaitingView>,
    attention: Option<Attention>,
    version: Version,
    transitions: &'a [Transition],
}

impl<'a> DeliveryView<'a> {
    /// This delivery, and how it came to be what it is.
    #[must_use]
    pub fn of(delivery: &'a Delivery, transitions: &'a [Transition]) -> Self {
        Self {
            id: delivery.id,
            order_id: delivery.order_id,
            status: delivery.status,
            slot: delivery.slot.as_ref(),
            promised_date: delivery.promised_date(),
            attempts: &delivery.attempts,
            address: delivery.address.as_ref(),
            weight_g: delivery.weight_g,
            courier: delivery.courier.as_deref(),
            proof: delivery.proof.as_ref(),
            failure: delivery.failure.as_ref(),
            waiting_for: WaitingView::of(delivery),
            attention: delivery.attention,
            version: delivery.version,
            transitions,
        }
    }
}

#[derive(Debug, Serialize)]
struct WaitingView {
    what: WaitingFor,
    /// None once it is late: see what needs attention.
    until: Option<DateTime<Utc>>,
}

impl WaitingView {
    fn of(delivery: &Delivery) -> Option<Self> {
        Some(Self { what: delivery.waiting_for()?, until: delivery.deadline })
    }
}

/// What could be had for a parcel.
#[derive(Debug, Serialize)]
pub struct OptionsView<'a> {
    /// Which zone serves the address, if one does.
    zone: Option<&'a str>,
    /// The next slots with room, the earliest first.
    options: Vec<Slot>,
    /// Why there is none.
    reason: Option<CreationFailure>,
}

impl<'a> OptionsView<'a> {
    /// What the plan of this zone said.
    #[must_use]
    pub fn of(zone: Option<&'a str>, planned: Result<Vec<Slot>, CreationFailure>) -> Self {
        match planned {
            Ok(options) => Self { zone, options, reason: None },
            Err(reason) => Self { zone, options: Vec::new(), reason: Some(reason) },
        }
    }
}

/// A zone.
#[derive(Debug, Serialize)]
pub struct ZoneView<'a> {
    /// Its name.
    pub id: &'a str,
    country: &'a str,
    prefixes: &'a [String],
    capacity_per_day: i64,
    weight_limit_g: i64,
}

impl<'a> ZoneView<'a> {
    /// This zone.
    #[must_use]
    pub fn of(zone: &'a Zone) -> Self {
        Self {
            id: &zone.id,
            country: &zone.country,
            prefixes: &zone.prefixes,
            capacity_per_day: zone.capacity_per_day,
            weight_limit_g: zone.weight_limit_g,
        }
    }
}

/// A courier.
#[derive(Debug, Serialize)]
pub struct CourierView<'a> {
    /// Their name in addresses.
    pub id: &'a str,
    name: &'a str,
    capacity: i64,
    load: i64,
}

impl<'a> CourierView<'a> {
    /// This courier.
    #[must_use]
    pub fn of(courier: &'a Courier) -> Self {
        Self { id: &courier.id, name: &courier.name, capacity: courier.capacity, load: courier.load }
    }
}
