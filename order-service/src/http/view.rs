//! What the outside sees of an order and of a product.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared_events::{Address, CancellationReason, Currency, DeliveryFailed, DeliveryId, Money, OrderId, Proof, Slot};

use crate::{
    domain::{
        Attention, Cancellation, KnownDelivery, Order, OrderItem, Payment, Product, Status, StockState, WaitingFor,
    },
    store::{HistoryLine, Known},
};

/// An order, whether it has just been decided or comes from the database.
#[derive(Debug, Serialize)]
pub struct OrderView<'a> {
    id: OrderId,
    customer_id: &'a str,
    status: Status,
    items: Vec<ItemView<'a>>,
    total: Money,
    payment: Payment,
    stock: StockState,
    delivery_address: &'a Address,
    /// The day the customer wished.
    slot: Option<NaiveDate>,
    delivery: Option<DeliveryView<'a>>,
    cancellation: Option<CancellationView<'a>>,
    waiting_for: Option<WaitingView>,
    attention: Option<Attention>,
    version: i64,
    transitions: Vec<TransitionView<'a>>,
}

#[derive(Debug, Serialize)]
struct ItemView<'a> {
    sku: &'a str,
    quantity: u32,
    unit_price_minor: i64,
    line_total_minor: Option<i64>,
    weight_g: u32,
}

#[derive(Debug, Serialize)]
struct DeliveryView<'a> {
    id: Option<DeliveryId>,
    slot: Option<&'a Slot>,
    promised_date: Option<NaiveDate>,
    courier: Option<&'a str>,
    proof: Option<&'a Proof>,
    failure: Option<&'a DeliveryFailed>,
}

#[derive(Debug, Serialize)]
struct CancellationView<'a> {
    #[serde(flatten)]
    reason: ReasonView<'a>,
    /// It was asked for after the parcel had left.
    rejected: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum ReasonView<'a> {
    Customer,
    NoDeliveryOutcome,
    Operator,
    DeliveryFailed { failure: &'a DeliveryFailed },
}

#[derive(Debug, Serialize)]
struct WaitingView {
    what: WaitingFor,
    /// None once it is late: see what needs attention.
    until: Option<DateTime<Utc>>,
    /// How many times that was put off.
    extended: u32,
}

#[derive(Debug, Serialize)]
struct TransitionView<'a> {
    status: Status,
    at: DateTime<Utc>,
    cause: &'a str,
    cause_id: &'a str,
}

impl<'a> OrderView<'a> {
    /// What is seen of this order.
    #[must_use]
    pub fn of(known: &'a Known) -> Self {
        let order = &known.order;
        Self {
            id: order.id,
            customer_id: &order.customer_id,
            status: order.status,
            items: order.items.iter().map(ItemView::of).collect(),
            total: order.total(),
            payment: order.payment,
            stock: order.stock,
            delivery_address: &order.delivery_address,
            slot: order.wished_date,
            delivery: DeliveryView::of(&order.delivery),
            cancellation: CancellationView::of(order),
            waiting_for: WaitingView::of(order),
            attention: order.attention,
            version: order.version.0,
            transitions: transitions(&known.history),
        }
    }

    pub(super) fn id(&self) -> OrderId {
        self.id
    }
}

impl<'a> ItemView<'a> {
    fn of(item: &'a OrderItem) -> Self {
        Self {
            sku: &item.sku,
            quantity: item.quantity,
            unit_price_minor: item.unit_price_minor,
            line_total_minor: item.total_minor(),
            weight_g: item.weight_g,
        }
    }
}

impl<'a> DeliveryView<'a> {
    fn of(delivery: &'a KnownDelivery) -> Option<Self> {
        let view = Self {
            id: delivery.id,
            slot: delivery.slot.as_ref(),
            promised_date: delivery.promised_date,
            courier: delivery.courier.as_deref(),
            proof: delivery.proof.as_ref(),
            failure: delivery.failure.as_ref(),
        };
        (*delivery != KnownDelivery::default()).then_some(view)
    }
}

impl<'a> CancellationView<'a> {
    fn of(order: &'a Order) -> Option<Self> {
        let reason = match order.cancellation.as_ref()? {
            Cancellation::Asked(CancellationReason::Customer) => ReasonView::Customer,
            Cancellation::Asked(CancellationReason::NoDeliveryOutcome) => ReasonView::NoDeliveryOutcome,
            Cancellation::Asked(CancellationReason::Operator) => ReasonView::Operator,
            Cancellation::DeliveryFailed(failure) => ReasonView::DeliveryFailed { failure },
        };
        Some(Self { reason, rejected: order.cancellation_rejected })
    }
}

impl WaitingView {
    fn of(order: &Order) -> Option<Self> {
        Some(Self { what: order.waiting_for()?, until: order.deadline, extended: order.deadline_extended })
    }
}

/// The lines at which the status changed.
fn transitions(history: &[HistoryLine]) -> Vec<TransitionView<'_>> {
    let mut before = None;
    let changed = history.iter().filter(|line| before.replace(line.status) != Some(line.status));
    changed.map(TransitionView::of).collect()
}

impl<'a> TransitionView<'a> {
    fn of(line: &'a HistoryLine) -> Self {
        Self { status: line.status, at: line.at, cause: &line.what, cause_id: &line.cause_id }
    }
}

/// A product with its stock.
#[derive(Debug, Serialize)]
pub struct ProductView<'a> {
    sku: &'a str,
    name: &'a str,
    price_minor: i64,
    currency: Currency,
    weight_g: u32,
    available: i64,
    on_hand: i64,
    reserved: i64,
    shipped: i64,
    written_off: i64,
    received: i64,
}

impl<'a> ProductView<'a> {
    /// What is seen of this product.
    #[must_use]
    pub fn of(sku: &'a str, product: &'a Product) -> Self {
        let details = &product.details;
        Self {
            sku,
            name: &details.name,
            price_minor: details.price_minor,
            currency: details.currency,
            weight_g: details.weight_g,
            available: product.available(),
            on_hand: product.on_hand,
            reserved: product.reserved,
            shipped: product.shipped,
            written_off: product.written_off,
            received: product.received,
        }
    }

    pub(super) fn sku(&self) -> &'a str {
        self.sku
    }
}
