//! What the order side says about an order.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Money;

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
    /// Whose order it is. Of no use to the delivery side: by it the order side knows its own order again, should it have lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
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
    /// The price of one piece. Of use to the order side alone, as `customer_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price_minor: Option<i64>,
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
