//! An order found again: rebuilt from what this side itself announced about it, after the database was restored from an older copy.
//!
//! It stands where it stood when it was announced. What the delivery side has said since comes again from the topic, like any other event.

use std::fmt;

use chrono::{DateTime, Utc};
use shared_events::{Announce, Event, EventId, Item, OrderCancelled, OrderCompleted, OrderId, Stamp, Version};

use super::{
    Catalogue, Decision, Order, OrderItem, PlaceOrder, Refusal, Status, StockChange, StockState, TransferKind, What,
    place::new_order,
};

/// Whose an order is that was announced before customers were named in events.
const UNKNOWN_CUSTOMER: &str = "unknown";

/// Why an order cannot be rebuilt. Somebody has to see to it first, or to do it by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecalled {
    /// The catalogue says no: an article or its pieces are not there, as they were after the copy was made.
    Refused(Refusal),
    /// The event does not tell the prices, and they cannot be worked out.
    PricesUnknown,
    /// The event cannot follow where the order stands.
    OutOfPlace(Option<Status>),
}

impl fmt::Display for NotRecalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRecalled::Refused(Refusal::OutOfStock { skus }) => write!(
                f,
                "there are too few pieces of {}: tell first what had been put there and what had arrived since the copy was made",
                skus.join(", ")
            ),
            NotRecalled::Refused(refusal) => write!(f, "the catalogue says {}", refusal.code()),
            NotRecalled::PricesUnknown => f.write_str("its event does not tell the prices of its items"),
            NotRecalled::OutOfPlace(Some(status)) => write!(f, "what was announced cannot follow where it is {status}"),
            NotRecalled::OutOfPlace(None) => f.write_str("what was announced cannot be the first of an order"),
        }
    }
}

impl std::error::Error for NotRecalled {}

impl Order {
    /// The order as it was after this was announced, at that moment; before it, as far as there was one.
    ///
    /// # Errors
    /// [`NotRecalled`]; the catalogue is then as it was.
    pub fn recall(
        before: Option<Order>,
        announced: (OrderId, &Event, DateTime<Utc>),
        catalogue: &mut Catalogue,
        stamp: Stamp,
    ) -> Result<Decision, NotRecalled> {
        let (order_id, event, at) = announced;
        let decision = match (before, event) {
            (None, Event::OrderCompleted(completed)) => Self::placed_again(order_id, completed, at, catalogue)?,
            (Some(order), Event::OrderCancelled(OrderCancelled { reason }))
                if matches!(order.status, Status::Completed | Status::Confirmed) =>
            {
                order.asking_to_cancel(*reason)
            }
            (before, _) => return Err(NotRecalled::OutOfPlace(before.map(|order| order.status))),
        };
        // It has been announced: it is in the topic.
        Ok(Decision { announce: Announce::Nothing, ..decision }.because(What::Recalled, stamp))
    }

    fn placed_again(
        id: OrderId,
        completed: &OrderCompleted,
        placed_at: DateTime<Utc>,
        catalogue: &mut Catalogue,
    ) -> Result<Decision, NotRecalled> {
        let items = priced(completed).ok_or(NotRecalled::PricesUnknown)?;
        catalogue.reserve(&items).map_err(NotRecalled::Refused)?;
        let request = PlaceOrder {
            customer_id: completed.customer_id.clone().unwrap_or_else(|| UNKNOWN_CUSTOMER.to_owned()),
            currency: completed.total.currency,
            items: vec![],
            delivery_address: completed.delivery_address.clone(),
            wished_date: completed.wished_date,
            expected_total_minor: None,
        };
        let placed = Stamp { at: placed_at, fresh_id: id.0, event_id: EventId(id.0) };
        let order = new_order(request, items, completed.total.amount_minor, placed);
        let order = Order { version: Version::NONE.next(), ..order };
        let held = Decision::nothing(order).moving_money(TransferKind::Hold);
        Ok(held.moving_stock(StockChange::Reserve, StockState::Reserved))
    }
}

/// The lines of the order. Where prices are not told, one line's can be worked out.
fn priced(completed: &OrderCompleted) -> Option<Vec<OrderItem>> {
    let total = completed.total.amount_minor;
    let is_only = completed.items.len() == 1;
    let price = |item: &Item| {
        let worked_out = || Some(total / i64::from(item.quantity)).filter(|_| is_only && item.quantity > 0);
        item.unit_price_minor.or_else(worked_out)
    };
    let line = |item: &Item| {
        let unit_price_minor = price(item)?;
        Some(OrderItem { sku: item.sku.clone(), quantity: item.quantity, unit_price_minor, weight_g: item.weight_g })
    };
    let items: Vec<OrderItem> = completed.items.iter().map(line).collect::<Option<_>>()?;
    let sum = items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.total_minor()?));
    (sum == Some(total)).then_some(items)
}
