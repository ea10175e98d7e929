//! Placing an order: priced, stock reserved and payment held, all at once or not at all.

use chrono::NaiveDate;
use serde::Serialize;
use shared_events::{Address, Currency, Event, Item, OrderCompleted, OrderId, Stamp, Version};

use super::{
    Catalogue, Decision, KnownDelivery, Order, OrderItem, Payment, Refusal, Status, StockChange, StockState,
    TransferKind, What,
};

/// What a customer asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceOrder {
    /// Who asks.
    pub customer_id: String,
    /// What they pay in.
    pub currency: Currency,
    /// What they want, at least one, no sku twice.
    pub items: Vec<Wanted>,
    /// Where to.
    pub delivery_address: Address,
    /// The day they wish, if they said one.
    pub wished_date: Option<NaiveDate>,
    /// The total they saw; with it, another total is refused.
    pub expected_total_minor: Option<i64>,
}

/// Pieces of one article that a customer wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// Which article.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
}

impl Order {
    /// Places an order at the prices of the catalogue and reserves its pieces there.
    ///
    /// # Errors
    /// A [`Refusal`]; the catalogue is then as it was.
    pub fn place(request: PlaceOrder, catalogue: &mut Catalogue, stamp: Stamp) -> Result<Decision, Refusal> {
        let items = catalogue.price(&request.items, request.currency)?;
        let total_minor = total(&items).ok_or(Refusal::TotalOutOfRange)?;
        if let Some(expected) = request.expected_total_minor
            && expected != total_minor
        {
            return Err(Refusal::PriceChanged { expected, actual: total_minor });
        }
        catalogue.reserve(&items)?;
        let order = new_order(request, items, total_minor, stamp);
        let completed = Event::OrderCompleted(completed(&order));
        Ok(Decision::nothing(order)
            .moving_money(TransferKind::Hold)
            .moving_stock(StockChange::Reserve, StockState::Reserved)
            .announcing(completed)
            .because(What::Placed, stamp))
    }
}

fn total(items: &[OrderItem]) -> Option<i64> {
    let total = items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.total_minor()?))?;
    (total > 0).then_some(total)
}

/// An order as it stands before anything is announced of it.
pub(super) fn new_order(request: PlaceOrder, items: Vec<OrderItem>, total_minor: i64, stamp: Stamp) -> Order {
    Order {
        id: OrderId::from(stamp.fresh_id),
        customer_id: request.customer_id,
        currency: request.currency,
        items,
        total_minor,
        delivery_address: request.delivery_address,
        wished_date: request.wished_date,
        placed_at: stamp.at,
        status: Status::Completed,
        payment: Payment::Held,
        stock: StockState::Reserved,
        cancellation: None,
        cancellation_rejected: false,
        cancellation_asked: 0,
        attention: None,
        deadline: None,
        deadline_extended: 0,
        delivery: KnownDelivery::default(),
        version: Version::NONE,
        changes: 0,
    }
}

fn completed(order: &Order) -> OrderCompleted {
    let item = |item: &OrderItem| Item {
        sku: item.sku.clone(),
        quantity: item.quantity,
        weight_g: item.weight_g,
        unit_price_minor: Some(item.unit_price_minor),
    };
    OrderCompleted {
        items: order.items.iter().map(item).collect(),
        total: order.total(),
        delivery_address: order.delivery_address.clone(),
        wished_date: order.wished_date,
        customer_id: Some(order.customer_id.clone()),
    }
}
