//! What has to be reached: beside each proof that something cannot be stands one that its neighbours can.

use delivery_service::domain::{Attention as DeliveryAttention, Status as DeliveryStatus};
use order_service::domain::{Attention, Order, Payment, Status, StockState};
use shared_events::{DeliveryFailed, Topic};

use crate::pair::{
    Pair, TOPICS,
    delivery_side::DeliverySide,
    held::Held,
    order_side::OrderSide,
    processes::{Doing, Stage},
    side::Side,
};

/// Where it shows.
pub enum Mark {
    Order(fn(&Order) -> bool),
    Delivery(fn(&DeliverySide) -> bool),
    Books(fn(&OrderSide) -> bool),
}

fn any(side: &DeliverySide, status: DeliveryStatus) -> bool {
    side.deliveries.values().any(|delivery| delivery.status == status)
}

fn any_failed(side: &DeliverySide, which: fn(&DeliveryFailed) -> bool) -> bool {
    side.deliveries.values().any(|delivery| delivery.failure.as_ref().is_some_and(which))
}

fn any_late(side: &DeliverySide, attention: DeliveryAttention) -> bool {
    side.deliveries.values().any(|delivery| delivery.attention == Some(attention))
}

/// What either database may come to.
pub const MARKS: [(&str, Mark); 34] = [
    ("an order is completed", Mark::Order(|order| order.status == Status::Completed)),
    ("an order is confirmed", Mark::Order(|order| order.status == Status::Confirmed)),
    ("an order is in delivery", Mark::Order(|order| order.status == Status::InDelivery)),
    ("an order is delivered", Mark::Order(|order| order.status == Status::Delivered)),
    ("an order is returned", Mark::Order(|order| order.status == Status::Returned)),
    ("an order is cancelled, its payment voided", Mark::Order(|order| ended(order, Payment::Voided))),
    ("an order is cancelled, its payment refunded", Mark::Order(|order| ended(order, Payment::Refunded))),
    ("an order is being cancelled, its payment held", Mark::Order(|order| asks(order, Payment::Held))),
    ("an order is being cancelled, its payment captured", Mark::Order(|order| asks(order, Payment::Captured))),
    ("a cancellation comes too late", Mark::Order(|order| order.cancellation_rejected)),
    (
        "an order arrives although it was to be cancelled",
        Mark::Order(|order| order.cancellation_rejected && order.status == Status::Delivered),
    ),
    ("goods are written off", Mark::Order(|order| order.stock == StockState::WrittenOff)),
    ("goods are shipped", Mark::Order(|order| order.stock == StockState::Shipped)),
    ("goods come back", Mark::Order(|order| order.status == Status::Returned && order.stock == StockState::Released)),
    ("an order waits once more", Mark::Order(|order| order.deadline_extended > 0)),
    ("a question is asked again", Mark::Order(|order| order.cancellation_asked > 1)),
    ("a cancellation is not answered", Mark::Order(|order| order.attention == Some(Attention::CancellationUnanswered))),
    ("an order leaves too late", Mark::Order(|order| order.attention == Some(Attention::LateDispatch))),
    ("an order arrives too late", Mark::Order(|order| order.attention == Some(Attention::LateDelivery))),
    ("the order side parks an event", Mark::Books(|side| !side.inbox().parked().is_empty())),
    ("the order side has two events unsent", Mark::Books(|side| side.outbox().unsent().len() > 1)),
    ("a delivery is a tombstone", Mark::Delivery(|side| any(side, DeliveryStatus::Void))),
    ("a delivery is refused", Mark::Delivery(|side| any(side, DeliveryStatus::Refused))),
    ("a delivery is scheduled", Mark::Delivery(|side| any(side, DeliveryStatus::Scheduled))),
    ("a delivery is dispatched", Mark::Delivery(|side| any(side, DeliveryStatus::Dispatched))),
    ("a delivery is delivered", Mark::Delivery(|side| any(side, DeliveryStatus::Delivered))),
    ("a delivery is cancelled", Mark::Delivery(|side| any(side, DeliveryStatus::Cancelled))),
    (
        "a delivery fails before the pivot",
        Mark::Delivery(|side| any_failed(side, |failure| matches!(failure, DeliveryFailed::Fulfilment { .. }))),
    ),
    (
        "a delivery fails after the pivot",
        Mark::Delivery(|side| any_failed(side, |failure| matches!(failure, DeliveryFailed::Transit { .. }))),
    ),
    (
        "a parcel is brought again",
        Mark::Delivery(|side| side.deliveries.values().any(|delivery| !delivery.attempts.is_empty())),
    ),
    ("a delivery leaves too late", Mark::Delivery(|side| any_late(side, DeliveryAttention::LateDispatch))),
    ("a delivery arrives too late", Mark::Delivery(|side| any_late(side, DeliveryAttention::LateDelivery))),
    ("the delivery side parks an event", Mark::Delivery(|side| !side.inbox().parked().is_empty())),
    ("the delivery side has two events unsent", Mark::Delivery(|side| side.outbox().unsent().len() > 1)),
];

fn ended(order: &Order, payment: Payment) -> bool {
    order.status == Status::Cancelled && order.payment == payment
}

fn asks(order: &Order, payment: Payment) -> bool {
    order.status == Status::Cancelling && order.payment == payment
}

/// The marks that show on the order side, as bits.
pub fn of_orders(side: &OrderSide) -> u64 {
    bits(|mark| match mark {
        Mark::Order(is) => side.orders.values().any(|order| is(order)),
        Mark::Books(is) => is(side),
        Mark::Delivery(_) => false,
    })
}

/// The marks that show on the delivery side.
pub fn of_deliveries(side: &DeliverySide) -> u64 {
    bits(|mark| match mark {
        Mark::Delivery(is) => is(side),
        Mark::Order(_) | Mark::Books(_) => false,
    })
}

fn bits(shows: impl Fn(&Mark) -> bool) -> u64 {
    MARKS.iter().enumerate().filter(|(_, (_, mark))| shows(mark)).fold(0, |bits, (nth, _)| bits | 1 << nth)
}

/// What shows between both sides.
pub mod between {
    use super::{DeliverySide, Doing, Held, OrderSide, Pair, Side, Stage, TOPICS, Topic};

    pub fn two_relays_send_one_event<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        TOPICS.into_iter().any(|topic| {
            let [one, other] = pair.relays(topic);
            one.flights().keys().any(|pointer| other.flights().contains_key(pointer))
        })
    }

    /// One relay has come further than what the other one is still sending.
    pub fn a_relay_is_late<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        let outbox = pair.order_side().outbox();
        let [one, other] = pair.relays(Topic::Orders);
        let mut given = one.flights().iter().chain(other.flights()).filter(|(_, stage)| **stage == Stage::Given);
        given.any(|(pointer, _)| !outbox.is_unsent(pointer.place()))
    }

    /// What was handed over was found in the outbox, sent and acknowledged meanwhile.
    pub fn a_hand_over_is_late<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        TOPICS.into_iter().any(|topic| {
            let mut handed_over = pair.relays(topic)[0].handed_over().iter();
            handed_over.any(|pointer| !pair.outbox(topic).is_unsent(pointer.place()))
        })
    }

    pub fn two_consumers_read_one_record<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        TOPICS.into_iter().any(|topic| {
            let [one, other] = pair.consumers(topic);
            one.doing == other.doing && matches!(one.doing, Doing::Planned { .. })
        })
    }

    pub fn a_consumer_is_ahead_of_its_offset<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        TOPICS.into_iter().any(|topic| pair.consumers(topic)[0].doing == Doing::Committed)
    }

    pub fn an_event_lies_on_its_topic_twice<O, D>(pair: &Pair<O, D>) -> bool
    where
        O: Held<Side = OrderSide>,
        D: Held<Side = DeliverySide>,
    {
        TOPICS.into_iter().any(|topic| {
            let lane = pair.lane(topic);
            lane.iter().enumerate().any(|(nth, record)| lane[..nth].contains(record))
        })
    }
}
