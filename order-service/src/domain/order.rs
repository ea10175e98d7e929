//! An order: what was bought, where it stands, and what became of its money, its goods and its parcel.

use chrono::{DateTime, NaiveDate, Utc};
use shared_events::{
    Address, CancellationReason, Currency, DeliveryCreated, DeliveryFailed, DeliveryId, Money, OrderId, Proof, Slot,
    Version,
};

use super::names::named;

named! {
    /// Where an order stands. `Delivered`, `Cancelled` and `Returned` are the ends.
    Status {
        /// Checkout is completed; the delivery side has not said yet whether it can deliver.
        Completed = "completed",
        /// A delivery is scheduled and the payment captured.
        Confirmed = "confirmed",
        /// The courier has it: the pivot is passed.
        InDelivery = "in_delivery",
        /// It is with its recipient.
        Delivered = "delivered",
        /// We asked the delivery side to stop and wait for its answer: it may already have passed the pivot.
        Cancelling = "cancelling",
        /// Nothing moved; money and stock are back.
        Cancelled = "cancelled",
        /// It had left and did not arrive; the money is back.
        Returned = "returned",
    }
}

named! {
    /// What became of the customer's money.
    Payment {
        /// Set aside, ours only once captured.
        Held = "held",
        /// Ours.
        Captured = "captured",
        /// Given back before it was ours.
        Voided = "voided",
        /// Given back after it was ours.
        Refunded = "refunded",
    }
}

named! {
    /// What became of the goods.
    StockState {
        /// On the shelf, promised to this order.
        Reserved = "reserved",
        /// On the shelf, free for others.
        Released = "released",
        /// Gone to the customer.
        Shipped = "shipped",
        /// Gone, and nobody has them.
        WrittenOff = "written_off",
    }
}

named! {
    /// Why somebody has to look at an order.
    Attention {
        /// The delivery side has been asked to cancel again and again, and does not answer.
        CancellationUnanswered = "cancellation_unanswered",
        /// The parcel should have left by now.
        LateDispatch = "late_dispatch",
        /// The parcel should have arrived by now.
        LateDelivery = "late_delivery",
    }
}

/// Why an order is cancelled, or was to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cancellation {
    /// This side wanted it.
    Asked(CancellationReason),
    /// The other side could not deliver.
    DeliveryFailed(DeliveryFailed),
}

/// One line of an order, with the price and the weight that the catalogue had when it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// The shop's name for the article.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
    /// The price of one piece.
    pub unit_price_minor: i64,
    /// The weight of one piece.
    pub weight_g: u32,
}

impl OrderItem {
    /// The price of the line, or `None` where no number is large enough.
    #[must_use]
    pub fn total_minor(&self) -> Option<i64> {
        self.unit_price_minor.checked_mul(i64::from(self.quantity))
    }
}

/// What the delivery side has told about the delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownDelivery {
    /// Its id over there.
    pub id: Option<DeliveryId>,
    /// The zone and the day.
    pub slot: Option<Slot>,
    /// The day the customer was told.
    pub promised_date: Option<NaiveDate>,
    /// Who carries it.
    pub courier: Option<String>,
    /// What shows that it arrived.
    pub proof: Option<Proof>,
    /// Why there is no delivery, or why it did not arrive.
    pub failure: Option<DeliveryFailed>,
}

impl KnownDelivery {
    pub(super) fn created(&mut self, created: &DeliveryCreated) {
        self.id = Some(created.delivery_id);
        self.slot = Some(created.slot.clone());
        self.promised_date = Some(created.promised_date);
    }
}

/// An order, whole: nothing of it is kept elsewhere but its ledger and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which one; also the id of its saga.
    pub id: OrderId,
    /// Whose.
    pub customer_id: String,
    /// What it is paid in.
    pub currency: Currency,
    /// What was bought, at least one line, no sku twice.
    pub items: Vec<OrderItem>,
    /// The sum of its lines.
    pub total_minor: i64,
    /// Where to.
    pub delivery_address: Address,
    /// The day the customer wishes, if they said one.
    pub wished_date: Option<NaiveDate>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// Where it stands.
    pub status: Status,
    /// What became of the money.
    pub payment: Payment,
    /// What became of the goods.
    pub stock: StockState,
    /// Why it is cancelled, or was to be.
    pub cancellation: Option<Cancellation>,
    /// We asked to cancel, and the parcel had already left.
    pub cancellation_rejected: bool,
    /// How many times its `OrderCancelled` was announced.
    pub cancellation_asked: u32,
    /// Why somebody has to look at it, if somebody has to.
    pub attention: Option<Attention>,
    /// Until when it waits for what it waits for. None where it has ended or is flagged for being late, and, until
    /// [`Decision::due`](super::Decision::due), where a new wait begins.
    pub deadline: Option<DateTime<Utc>>,
    /// How many times that was put off.
    pub deadline_extended: u32,
    /// What is known of its delivery.
    pub delivery: KnownDelivery,
    /// How many events were announced for it.
    pub version: Version,
    /// How many changes it has been through: numbers its history.
    pub changes: u32,
}

impl Order {
    /// What the customer pays.
    #[must_use]
    pub fn total(&self) -> Money {
        Money::new(self.total_minor, self.currency)
    }
}
