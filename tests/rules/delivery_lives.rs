//! Deliveries in every row of the tables, brought there by every way that leads there, and what the columns stand for.

use chrono::NaiveDate;
use delivery_service::domain::{
    Command, Couriers, Decision, Delivery, FailureReason, Means, Plan, Refusal, SlotChange, Terms,
};
use shared_events::{
    CancellationReason, CreationFailure, DeliveryFailed, Event, FulfilmentFailure, Goods, Item, Money, OrderCancelled,
    OrderCompleted, OrderId, Proof, Slot, Stamp, TransitFailure,
};

use crate::{
    deadlines::DELIVERY_TERMS,
    delivery_table::StaffRow,
    fixtures::{address, couriers, day, plan, stamp},
};

pub const LIMIT_G: i64 = 10_000;

pub fn order_id() -> OrderId {
    OrderId(stamp(9).fresh_id)
}

pub fn completed() -> OrderCompleted {
    let item = |sku: &str, quantity, weight_g| Item { sku: sku.to_owned(), quantity, weight_g, unit_price_minor: None };
    OrderCompleted {
        items: vec![item("TEA", 2, 120), item("POT", 1, 950)],
        total: Money::new(4_397, "EUR".parse().expect("a currency")),
        delivery_address: address(),
        wished_date: None,
        customer_id: None,
    }
}

/// Each way in which an order may not fit, and the reason it is to be given.
pub fn misfits() -> Vec<(OrderCompleted, CreationFailure)> {
    let mut heavy = completed();
    heavy.items[0].weight_g = 1_000_000;
    let mut far = completed();
    far.delivery_address.postal_code = "99999".to_owned();
    let mut unreadable = completed();
    unreadable.delivery_address.country = "Germany".to_owned();
    let yesterday = OrderCompleted { wished_date: Some(day(0)), ..completed() };
    let wished_and_full = OrderCompleted { wished_date: Some(day(3)), ..completed() };
    vec![
        (heavy, CreationFailure::Overweight),
        (far, CreationFailure::ZoneUnserved),
        (unreadable, CreationFailure::AddressInvalid),
        (yesterday, CreationFailure::SlotFull),
        (wished_and_full, CreationFailure::SlotFull),
    ]
}

/// Two places a day; on the third day both are taken.
pub fn some_room() -> Plan {
    let mut plan = plan(2, LIMIT_G);
    for _ in 0..2 {
        plan.apply(&SlotChange::Take(Slot { zone: "berlin".to_owned(), date: day(3) }));
    }
    plan
}

fn cancel() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer })
}

pub fn proof() -> Proof {
    Proof { received_by: "Z. Müller".to_owned(), reference: Some("signature/1".to_owned()) }
}

pub fn events(column: usize) -> Vec<Event> {
    match column {
        0 => [None, Some(day(2)), Some(day(14))]
            .map(|wished_date| Event::OrderCompleted(OrderCompleted { wished_date, ..completed() }))
            .to_vec(),
        1 => misfits().into_iter().map(|(order, _)| Event::OrderCompleted(order)).collect(),
        2 => [CancellationReason::Customer, CancellationReason::Operator, CancellationReason::NoDeliveryOutcome]
            .map(|reason| Event::OrderCancelled(OrderCancelled { reason }))
            .to_vec(),
        other => panic!("no column {other}"),
    }
}

/// What is asked of this delivery in this column.
pub fn commands(column: usize, before: &Delivery) -> Vec<Command> {
    let fail = |reason| Command::Fail { reason };
    let recorded = u32::try_from(before.attempts.len()).expect("few");
    match column {
        0 => vec![Command::AssignCourier { courier: "bo".to_owned() }],
        1 => vec![Command::Dispatch],
        2 => vec![attempt(recorded + 1, None), attempt(recorded + 1, Some(day(5)))],
        3 => vec![attempt(recorded + 1, None), attempt(recorded + 1, Some(day(0)))],
        // What is told again may be told in other words.
        4 => vec![attempt(recorded, None), attempt(recorded, Some(day(6)))],
        5 => vec![Command::Complete { proof: proof() }],
        6 => vec![fail(FailureReason::NoCourier), fail(FailureReason::Operator)],
        7 => vec![
            fail(FailureReason::RecipientAbsent),
            fail(FailureReason::RefusedByRecipient),
            fail(FailureReason::Lost),
            fail(FailureReason::Damaged),
        ],
        other => panic!("no column {other}"),
    }
}

/// The column is the last attempt's where so many are the most.
pub fn terms(column: usize) -> Terms {
    match column {
        3 => Terms { max_attempts: 1, ..DELIVERY_TERMS },
        0..=2 | 4..=7 => DELIVERY_TERMS,
        other => panic!("no column {other}"),
    }
}

pub fn attempt(number: u32, date: Option<NaiveDate>) -> Command {
    Command::Attempt { number, note: Some("nobody opened".to_owned()), date }
}

/// What each reason is announced as.
pub fn failed(reason: FailureReason) -> DeliveryFailed {
    let transit = |reason, goods| DeliveryFailed::Transit { reason, goods };
    match reason {
        FailureReason::NoCourier => DeliveryFailed::Fulfilment { reason: FulfilmentFailure::NoCourier },
        FailureReason::Operator => DeliveryFailed::Fulfilment { reason: FulfilmentFailure::Operator },
        FailureReason::RecipientAbsent => transit(TransitFailure::RecipientAbsent, Goods::Returned),
        FailureReason::RefusedByRecipient => transit(TransitFailure::RefusedByRecipient, Goods::Returned),
        FailureReason::Lost => transit(TransitFailure::Lost, Goods::Lost),
        FailureReason::Damaged => transit(TransitFailure::Damaged, Goods::Damaged),
    }
}

fn begun(event: Event) -> Delivery {
    Delivery::begin(order_id(), &event, &mut some_room(), stamp(1)).delivery
}

/// A scheduled delivery that was asked for all this, each granted.
pub fn after(commands: &[Command]) -> Delivery {
    let (mut room, mut staff) = (some_room(), couriers(5));
    let begun = Delivery::begin(order_id(), &Event::OrderCompleted(completed()), &mut room, stamp(1)).delivery;
    commands.iter().zip(2..).fold(begun, |delivery, (command, n)| {
        let mut means = Means { plan: &mut room, couriers: &mut staff, terms: DELIVERY_TERMS };
        delivery.decide(command.clone(), &mut means, stamp(n)).expect("granted").delivery
    })
}

/// What comes of asking this of a delivery, where there is some room.
pub fn asked(delivery: Delivery, command: Command, staff: &mut Couriers, at: Stamp) -> Result<Decision, Refusal> {
    let mut means = Means { plan: &mut some_room(), couriers: staff, terms: DELIVERY_TERMS };
    delivery.decide(command, &mut means, at)
}

pub fn assigned() -> Command {
    Command::AssignCourier { courier: "anna".to_owned() }
}

/// The ways into a row.
pub fn deliveries(row: StaffRow) -> Vec<Delivery> {
    let fail = |reason| Command::Fail { reason };
    let on_the_way = |then| after(&[assigned(), Command::Dispatch, then]);
    let deliveries = match row {
        StaffRow::None => vec![],
        StaffRow::Void => vec![begun(cancel())],
        StaffRow::Refused => misfits().into_iter().map(|(order, _)| begun(Event::OrderCompleted(order))).collect(),
        StaffRow::Unassigned => vec![after(&[])],
        StaffRow::Assigned => vec![after(&[assigned()])],
        StaffRow::Dispatched => vec![after(&[assigned(), Command::Dispatch]), on_the_way(attempt(1, None))],
        StaffRow::FailedFulfilment => {
            vec![after(&[fail(FailureReason::NoCourier)]), after(&[assigned(), fail(FailureReason::Operator)])]
        }
        StaffRow::FailedTransit => vec![
            on_the_way(fail(FailureReason::RecipientAbsent)),
            on_the_way(fail(FailureReason::RefusedByRecipient)),
            on_the_way(fail(FailureReason::Lost)),
            on_the_way(fail(FailureReason::Damaged)),
            after(&[assigned(), Command::Dispatch, attempt(1, None), attempt(2, None), attempt(3, None)]),
        ],
        StaffRow::Delivered => vec![
            on_the_way(Command::Complete { proof: proof() }),
            after(&[assigned(), Command::Dispatch, attempt(1, None), Command::Complete { proof: proof() }]),
        ],
        StaffRow::Cancelled => {
            vec![
                after(&[]).react(&cancel(), stamp(20)).delivery,
                after(&[assigned()]).react(&cancel(), stamp(20)).delivery,
            ]
        }
    };
    for delivery in &deliveries {
        assert_eq!(Some(delivery.status), row.status(), "not on the way to {row}: {delivery:?}");
    }
    deliveries
}
