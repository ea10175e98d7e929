//! What the delivery side says about an order.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::DeliveryId;

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

/// How many free slots a refusal names at most.
pub const MOST_ALTERNATIVES: usize = 5;

/// There is no delivery, or it ended without one. The stage says how far it had come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum DeliveryFailed {
    /// It never came to be.
    Creation {
        /// Why not.
        reason: CreationFailure,
        /// Slots that were free at that moment, the earliest first. None where no other day would help.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "first_alternatives")]
        #[schemars(length(max = MOST_ALTERNATIVES))]
        alternatives: Vec<Slot>,
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

/// As many as the contract allows. What a newer writer adds and what nobody can read is left out, not refused: nobody's money hangs
/// on a suggestion.
fn first_alternatives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Slot>, D::Error> {
    let Value::Array(offered) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    let readable = offered.into_iter().flat_map(serde_json::from_value);
    Ok(readable.take(MOST_ALTERNATIVES).collect())
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
