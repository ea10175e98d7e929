//! Ids that are counted, and time that stands still: a deadline passes when somebody says so, and nothing else knows of time. So two
//! histories that did the same come to the same.

use delivery_service::domain::Delivery;
use order_service::domain::Order;
use shared_events::{OrderId, Stamp};

use crate::fixtures;

/// So many events of one order, and so many orders, have ids of their own.
const EVENTS: u64 = 1_000;
const DELIVERY_SIDE: u64 = 1_000_000;

fn at_the_first_moment(n: u64) -> Stamp {
    Stamp { at: fixtures::stamp(0).at, ..fixtures::stamp(n) }
}

fn number(order_id: OrderId) -> u64 {
    let first = fixtures::stamp(0).fresh_id.as_u128();
    u64::try_from(order_id.0.as_u128() - first).expect("an id of these")
}

fn next(version: i64) -> u64 {
    u64::try_from(version).expect("more than nothing") + 1
}

/// For the order that is the nth.
pub fn placing(nth: usize) -> Stamp {
    at_the_first_moment(u64::try_from(nth).expect("few") * EVENTS)
}

/// For the next event of this order.
pub fn of_order(order: &Order) -> Stamp {
    at_the_first_moment(number(order.id) + next(order.version.0))
}

/// For the first event of the order's delivery.
pub fn beginning(order_id: OrderId) -> Stamp {
    at_the_first_moment(DELIVERY_SIDE + number(order_id))
}

/// For the next one.
pub fn of_delivery(delivery: &Delivery) -> Stamp {
    at_the_first_moment(DELIVERY_SIDE + number(delivery.order_id) + next(delivery.version.0))
}
