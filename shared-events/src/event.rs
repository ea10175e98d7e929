//! What the services tell each other. Seven facts, each of which has happened when it is announced.
//!
//! The enum is closed on purpose: a service that reacts matches every event by name, and the compiler
//! points at every reaction that an eighth one needs.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeliveryId, Money, Topic};

/// Something that has happened to an order, on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Checkout is completed: priced, stock reserved, payment held. Begins the saga.
    OrderCompleted(OrderCompleted),
    /// The order side wants out; the delivery side answers with whatever ended the race.
    OrderCancelled(OrderCancelled),
    /// The delivery is scheduled.
    DeliveryCreated(DeliveryCreated),
    /// There is no delivery, or it ended without one.
    DeliveryFailed(DeliveryFailed),
    /// Answers `OrderCancelled`: nothing will move.
    DeliveryCancelled(DeliveryCancelled),
    /// The courier has the parcel: from here the only way is forward.
    DeliveryDispatched(DeliveryDispatched),
    /// The parcel is with its recipient.
    DeliveryCompleted(DeliveryCompleted),
}

/// The name of an event, without its data: what travels as `ce_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the name of the event of the same name")]
pub enum EventKind {
    OrderCompleted,
    OrderCancelled,
    DeliveryCreated,
    DeliveryFailed,
    DeliveryCancelled,
    DeliveryDispatched,
    DeliveryCompleted,
}

/// The text names no event of this contract.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an event type of this contract")]
pub struct UnknownEventKind(pub String);

impl EventKind {
    /// Every kind there is.
    pub const ALL: [EventKind; 7] = [
        EventKind::OrderCompleted,
        EventKind::OrderCancelled,
        EventKind::DeliveryCreated,
        EventKind::DeliveryFailed,
        EventKind::DeliveryCancelled,
        EventKind::DeliveryDispatched,
        EventKind::DeliveryCompleted,
    ];

    /// The name as it stands in `ce_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::OrderCompleted => "OrderCompleted",
            EventKind::OrderCancelled => "OrderCancelled",
            EventKind::DeliveryCreated => "DeliveryCreated",
            EventKind::DeliveryFailed => "DeliveryFailed",
            EventKind::DeliveryCancelled => "DeliveryCancelled",
            EventKind::DeliveryDispatched => "DeliveryDispatched",
            EventKind::DeliveryCompleted => "DeliveryCompleted",
        }
    }

    /// The topic that carries it, and with it the service that announces it.
    #[must_use]
    pub fn topic(self) -> Topic {
        match self {
            EventKind::OrderCompleted | EventKind::OrderCancelled => Topic::Orders,
            EventKind::DeliveryCreated
            | EventKind::DeliveryFailed
            | EventKind::DeliveryCancelled
            | EventKind::DeliveryDispatched
            | EventKind::DeliveryCompleted => Topic::Deliveries,
        }
    }

    /// The version of its data's schema. A breaking change makes the next one; a new optional field does not.
    #[must_use]
    pub fn schema_version(self) -> u16 {
        1
    }

    /// Whether it may be applied although earlier versions are missing. Only undoing what never began is safe.
    #[must_use]
    pub fn may_jump_a_gap(self) -> bool {
        self == EventKind::OrderCancelled
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownEventKind(text.to_owned()))
    }
}

impl Event {
    /// Which event this is.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Event::OrderCompleted(_) => EventKind::OrderCompleted,
            Event::OrderCancelled(_) => EventKind::OrderCancelled,
            Event::DeliveryCreated(_) => EventKind::DeliveryCreated,
            Event::DeliveryFailed(_) => EventKind::DeliveryFailed,
            Event::DeliveryCancelled(_) => EventKind::DeliveryCancelled,
            Event::DeliveryDispatched(_) => EventKind::DeliveryDispatched,
            Event::DeliveryCompleted(_) => EventKind::DeliveryCompleted,
        }
    }

    /// The data as JSON: the value of the Kafka record.
    ///
    /// # Errors
    /// Never for events made by this crate's types; serde's signature has the error.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Event::OrderCompleted(data) => serde_json::to_vec(data),
            Event::OrderCancelled(data) => serde_json::to_vec(data),
            Event::DeliveryCreated(data) => serde_json::to_vec(data),
            Event::DeliveryFailed(data) => serde_json::to_vec(data),
            Event::DeliveryCancelled(data) => serde_json::to_vec(data),
            Event::DeliveryDispatched(data) => serde_json::to_vec(data),
            Event::DeliveryCompleted(data) => serde_json::to_vec(data),
        }
    }

    /// Reads the data of an event of this kind. Fields it does not know are ignored: the other side may be newer.
    ///
    /// # Errors
    /// The bytes are not JSON, or a field is missing or of another type.
    pub fn from_json(kind: EventKind, data: &[u8]) -> serde_json::Result<Self> {
        Ok(match kind {
            EventKind::OrderCompleted => Event::OrderCompleted(serde_json::from_slice(data)?),
            EventKind::OrderCancelled => Event::OrderCancelled(serde_json::from_slice(data)?),
            EventKind::DeliveryCreated => Event::DeliveryCreated(serde_json::from_slice(data)?),
            EventKind::DeliveryFailed => Event::DeliveryFailed(serde_json::from_slice(data)?),
            EventKind::DeliveryCancelled => Event::DeliveryCancelled(serde_json::from_slice(data)?),
            EventKind::DeliveryDispatched => Event::DeliveryDispatched(serde_json::from_slice(data)?),
            EventKind::DeliveryCompleted => Event::DeliveryCompleted(serde_json::from_slice(data)?),
        })
    }
}

/// Checkout is completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCompleted {
    /// What is to be delivered, at least one.
    pub items: Vec<Item>,
    /// What the customer's payment is held for.
    pub total: Money,
    /// Where to, and to whom.
    pub delivery_address: Address,
    /// The day the customer wishes; without one the earliest day with room is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished_date: Option<NaiveDate>,
}

/// One line of an order, as far as the delivery side needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The shop's name for the article.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
    /// Weight of one piece in grams.
    pub weight_g: u32,
}

/// Where a parcel goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Who receives it.
    pub recipient: String,
    /// Street and number.
    pub line1: String,
    /// Floor, flat, "c/o".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// As the country writes it.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// The order side wants out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelled {
    /// Who asked for it.
    pub reason: CancellationReason,
}

/// Why an order is cancelled by its own side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// The customer changed their mind.
    Customer,
    /// The delivery side did not say in time whether there will be a delivery.
    NoDeliveryOutcome,
    /// Somebody of the shop.
    Operator,
}

/// The delivery is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryCreated {
    /// The delivery's own id.
    pub delivery_id: DeliveryId,
    /// The place it took.
    pub slot: Slot,
    /// The day the customer is told.
    pub promised_date: NaiveDate,
}

/// A day in a zone: what has a capacity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Slot {
    /// The zone that serves the address.
    pub zone: String,
    /// The day.
    pub date: NaiveDate,
}

/// There is no delivery, or it ended without one. The stage says how far it had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum DeliveryFailed {
    /// It never came to be.
    Creation {
        /// Why not.
        reason: CreationFailure,
    },
    /// It was scheduled, but the goods never left.
    Fulfilment {
        /// Why not.
        reason: FulfilmentFailure,
    },
    /// The goods had left.
    Transit {
        /// What happened on the way.
        reason: TransitFailure,
        /// What became of the goods.
        goods: Goods,
    },
}

/// Why a delivery could not be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreationFailure {
    /// No postal service could read the address.
    AddressInvalid,
    /// No zone covers the address.
    ZoneUnserved,
    /// The wished day has no room, or no day on offer has.
    SlotFull,
    /// Heavier than the zone's couriers carry.
    Overweight,
    /// An operator gave up on an event that could not be applied.
    Unprocessable,
}

/// Why a scheduled delivery never left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfilmentFailure {
    /// Nobody could carry it.
    NoCourier,
    /// Somebody of the delivery side.
    Operator,
}

/// Why a dispatched delivery did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransitFailure {
    /// Nobody opened.
    RecipientAbsent,
    /// The recipient would not have it.
    RefusedByRecipient,
    /// Nobody knows where it is.
    Lost,
    /// It arrived, or came back, broken.
    Damaged,
}

/// What became of goods that had left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goods {
    /// Back in the warehouse, fit to be sold.
    Returned,
    /// Gone.
    Lost,
    /// Not fit to be sold.
    Damaged,
}

/// Answers `OrderCancelled`: nothing will move, also when nothing had been created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryCancelled {}

/// The pivot is passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDispatched {
    /// Who carries it.
    pub courier: String,
}

/// The parcel is with its recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryCompleted {
    /// What shows it.
    pub proof: Proof,
}

/// What shows that a parcel was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// Who took it.
    pub received_by: String,
    /// Where the signature or the picture is kept, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}
