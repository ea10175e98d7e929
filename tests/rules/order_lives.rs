//! Orders in every row of the tables, brought there by every way that leads there, and the events of every column.

use order_service::domain::{CancelledBy, Command, Order, Payment, WayBack};
use shared_events::{
    CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched, DeliveryFailed,
    DeliveryId, Event, FulfilmentFailure, Goods, OrderId, Proof, Slot, TransitFailure,
};
use uuid::Uuid;

pub use crate::fixtures::ORDER_TERMS as TERMS;
use crate::{
    fixtures::{catalogue, day, request, stamp},
    order_table::Row,
};

/// Nothing lies here, and the delivery side has come further than any order.
pub const OPEN: WayBack = WayBack { held_up: None, heard: Some(OrderId(Uuid::max())) };

/// A step of a life that leads into a row.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a step of a test, and few of them")]
pub enum Step {
    Cancel(CancelledBy),
    Deadline,
    Event(Event),
}

pub fn created() -> Event {
    let delivery_id = DeliveryId(stamp(7).fresh_id);
    let slot = Slot { zone: "berlin".to_owned(), date: day(2) };
    Event::DeliveryCreated(DeliveryCreated { delivery_id, slot, promised_date: day(2) })
}

fn not_created(reason: CreationFailure) -> Event {
    let alternatives = vec![Slot { zone: "berlin".to_owned(), date: day(3) }];
    Event::DeliveryFailed(DeliveryFailed::Creation { reason, alternatives })
}

fn not_fulfilled(reason: FulfilmentFailure) -> Event {
    Event::DeliveryFailed(DeliveryFailed::Fulfilment { reason })
}

fn not_arrived(reason: TransitFailure, goods: Goods) -> Event {
    Event::DeliveryFailed(DeliveryFailed::Transit { reason, goods })
}

pub fn dispatched() -> Event {
    Event::DeliveryDispatched(DeliveryDispatched { courier: "anna".to_owned() })
}

fn completed() -> Event {
    let proof = Proof { received_by: "Z. Müller".to_owned(), reference: None };
    Event::DeliveryCompleted(DeliveryCompleted { proof })
}

pub fn cancelled() -> Event {
    Event::DeliveryCancelled(DeliveryCancelled {})
}

/// The events that stand behind the heading of a column: every reason there is.
pub fn events(column: usize) -> Vec<Event> {
    use CreationFailure::{AddressInvalid, Overweight, SlotFull, Unprocessable, ZoneUnserved};
    match column {
        0 => vec![created()],
        1 => [AddressInvalid, ZoneUnserved, SlotFull, Overweight, Unprocessable].map(not_created).to_vec(),
        2 => [FulfilmentFailure::NoCourier, FulfilmentFailure::Operator].map(not_fulfilled).to_vec(),
        3 => [TransitFailure::RecipientAbsent, TransitFailure::RefusedByRecipient, TransitFailure::Damaged]
            .map(|reason| not_arrived(reason, Goods::Returned))
            .to_vec(),
        4 => vec![
            not_arrived(TransitFailure::Lost, Goods::Lost),
            not_arrived(TransitFailure::Damaged, Goods::Damaged),
            not_arrived(TransitFailure::RefusedByRecipient, Goods::Damaged),
        ],
        5 => vec![dispatched()],
        6 => vec![completed()],
        7 => vec![cancelled()],
        other => panic!("no column {other}"),
    }
}

/// The ways into a row: one for each way in which an order can have got there.
pub fn lives(row: Row) -> Vec<Vec<Step>> {
    use Step::{Cancel, Deadline, Event as Hears};
    let customer = || Cancel(CancelledBy::Customer);
    let in_delivery = || vec![Hears(created()), Hears(dispatched())];
    let then = |mut life: Vec<Step>, event| {
        life.push(Hears(event));
        life
    };
    match row {
        Row::Completed => vec![vec![]],
        Row::Confirmed => vec![vec![Hears(created())]],
        Row::CancellingHeld => vec![vec![customer()], vec![Cancel(CancelledBy::Operator)], vec![Deadline]],
        Row::CancellingCaptured => {
            vec![vec![Hears(created()), customer()], vec![Hears(created()), Cancel(CancelledBy::Operator)]]
        }
        Row::InDelivery => vec![
            in_delivery(),
            vec![customer(), Hears(created()), Hears(dispatched())],
            vec![Hears(created()), customer(), Hears(dispatched())],
        ],
        Row::Delivered => vec![then(in_delivery(), completed())],
        Row::Cancelled => vec![
            vec![Hears(not_created(CreationFailure::ZoneUnserved))],
            vec![customer(), Hears(cancelled())],
            vec![customer(), Hears(created()), Hears(cancelled())],
            vec![Hears(created()), customer(), Hears(cancelled())],
            vec![Hears(created()), Hears(not_fulfilled(FulfilmentFailure::NoCourier))],
        ],
        Row::Returned => vec![
            then(in_delivery(), not_arrived(TransitFailure::RecipientAbsent, Goods::Returned)),
            then(in_delivery(), not_arrived(TransitFailure::Lost, Goods::Lost)),
        ],
    }
}

fn placed() -> Order {
    Order::place(request(), &mut catalogue(10), stamp(1)).expect("an order").due(&TERMS).order
}

pub fn live(life: &[Step]) -> Order {
    life.iter().zip(2..).fold(placed(), |order, (step, n)| {
        let decision = match step {
            Step::Cancel(by) => order.decide(Command::Cancel { by: *by }, stamp(n)).expect("not too late"),
            Step::Deadline => order.overdue(OPEN, &TERMS, stamp(n)),
            Step::Event(event) => order.react(event, stamp(n)),
        };
        decision.due(&TERMS).order
    })
}

pub fn orders(row: Row) -> Vec<Order> {
    let money_agrees = |order: &Order| match row {
        Row::Completed | Row::CancellingHeld => order.payment == Payment::Held,
        Row::Confirmed | Row::CancellingCaptured | Row::InDelivery | Row::Delivered => {
            order.payment == Payment::Captured
        }
        Row::Cancelled => matches!(order.payment, Payment::Voided | Payment::Refunded),
        Row::Returned => order.payment == Payment::Refunded,
    };
    let orders: Vec<Order> = lives(row).iter().map(|life| live(life)).collect();
    for order in &orders {
        assert!(order.status == row.status() && money_agrees(order), "not on the way to {row}: {order:?}");
    }
    orders
}
