//! Every cell of the delivery's tables, compared with the code: all ways into the row, all reasons of the column.

use delivery_service::domain::{
    Command, CourierChange, Couriers, Decision, Delivery, FailureReason, Means, Places, Plan, Refusal, SlotChange,
    Status, Terms,
};
use shared_events::{
    Announce, CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched,
    DeliveryFailed, DeliveryId, Event, Slot,
};

use crate::{
    delivery_attempts::{check_attempts, next_day_with_room, room_with},
    delivery_lives::{
        after, asked, assigned, commands, deliveries, events, failed, misfits, order_id, proof, some_room, terms,
    },
    delivery_table::{Answer, COMMANDS, Cell, EVENTS, Row, StaffRow},
    fixtures::{couriers, day, stamp},
};

/// Everything that a cell may change, as the document says it.
#[derive(Debug, PartialEq)]
struct Moves {
    status: Status,
    slot: Option<SlotChange>,
    couriers: Vec<CourierChange>,
    announced: Option<Event>,
    version: i64,
}

impl Moves {
    fn of(decision: &Decision) -> Self {
        let announced = match &decision.announce {
            Announce::Nothing => None,
            Announce::New(event) => Some(event.clone()),
            Announce::Again(version) => panic!("a delivery announces {version} again"),
        };
        Moves {
            status: decision.delivery.status,
            slot: decision.slot.clone(),
            couriers: decision.couriers.clone(),
            announced,
            version: decision.delivery.version.0,
        }
    }

    fn none(before: &Delivery) -> Self {
        Moves { status: before.status, slot: None, couriers: vec![], announced: None, version: before.version.0 }
    }

    fn announcing(before: &Delivery, status: Status, event: Event) -> Self {
        Moves { status, announced: Some(event), version: before.version.0 + 1, ..Moves::none(before) }
    }

    fn giving_back(self, before: &Delivery, place: bool) -> Self {
        let slot = before.slot.clone().filter(|_| place).map(SlotChange::GiveBack);
        let couriers = before.courier.clone().map(CourierChange::Free).into_iter().collect();
        Moves { slot, couriers, ..self }
    }
}

/// The one comparison of an event cell in a row that has a delivery.
fn check_event(before: &Delivery, event: &Event, cell: Cell) {
    let at = format!("{:?} × {event:?}, {cell}", before.status);
    let decision = before.clone().react(event, stamp(50));
    let expected = match cell {
        Cell::Anomaly | Cell::NoEffect => Moves::none(before),
        Cell::Cancelled => {
            let answer = Event::DeliveryCancelled(DeliveryCancelled {});
            Moves::announcing(before, Status::Cancelled, answer).giving_back(before, true)
        }
        Cell::Scheduled | Cell::Refused | Cell::Void => panic!("{at}: only where there is no delivery yet"),
    };
    assert_eq!(Moves::of(&decision), expected, "{at}");
    let anomaly = decision.anomaly.map(|anomaly| (anomaly.kind, anomaly.status));
    assert_eq!(anomaly, (cell == Cell::Anomaly).then_some((event.kind(), before.status)), "{at}: anomaly");
    if matches!(cell, Cell::Anomaly | Cell::NoEffect) {
        assert_eq!(decision.delivery, *before, "{at}: nothing has happened");
    }
}

/// The one comparison of a cell in the row of an order without a delivery.
fn check_begin(event: &Event, cell: Cell, misfit: Option<CreationFailure>) {
    let at = format!("none × {event:?}, {cell}");
    let (mut room, before) = (some_room(), some_room());
    let decision = Delivery::begin(order_id(), event, &mut room, stamp(50));
    let moves = Moves::of(&decision);
    assert_eq!(decision.anomaly, None, "{at}");
    assert_eq!(
        (decision.delivery.order_id, decision.delivery.id),
        (order_id(), DeliveryId(stamp(50).fresh_id)),
        "{at}"
    );
    assert_eq!((moves.version, moves.couriers.len()), (1, 0), "{at}: the first word about a delivery");
    match cell {
        Cell::Scheduled => check_scheduled(event, &decision, &room, &at),
        Cell::Refused => {
            let reason = misfit.expect("a reason");
            let alternatives = if reason == CreationFailure::SlotFull { next_days_with_room() } else { vec![] };
            let answer = Event::DeliveryFailed(DeliveryFailed::Creation { reason, alternatives });
            assert_eq!((moves.status, moves.slot, moves.announced), (Status::Refused, None, Some(answer)), "{at}");
            assert_eq!(room, before, "{at}: no place is taken");
        }
        Cell::Void => {
            let answer = Event::DeliveryCancelled(DeliveryCancelled {});
            assert_eq!((moves.status, moves.slot, moves.announced), (Status::Void, None, Some(answer)), "{at}");
            assert_eq!(room, before, "{at}: no place is taken");
        }
        Cell::Anomaly | Cell::NoEffect | Cell::Cancelled => panic!("{at}: only where there is a delivery"),
    }
}

/// The third day of [`some_room`] is full.
fn next_days_with_room() -> Vec<Slot> {
    [1, 2, 4, 5, 6].map(|after| Slot { zone: "berlin".to_owned(), date: day(after) }).to_vec()
}

fn check_scheduled(event: &Event, decision: &Decision, room: &Plan, at: &str) {
    let Event::OrderCompleted(order) = event else { panic!("{at}: not an order") };
    let slot = Slot { zone: "berlin".to_owned(), date: order.wished_date.unwrap_or(day(1)) };
    let delivery_id = decision.delivery.id;
    let created = DeliveryCreated { delivery_id, slot: slot.clone(), promised_date: slot.date };
    assert_eq!(decision.delivery.status, Status::Scheduled, "{at}");
    assert_eq!(decision.announce, Announce::New(Event::DeliveryCreated(created)), "{at}");
    assert_eq!(decision.slot, Some(SlotChange::Take(slot.clone())), "{at}");
    assert_eq!(room.places(&slot), Places { capacity: 2, taken: 1 }, "{at}: the next event sees the place taken");
}

/// The one comparison of a command cell.
fn check_command(before: &Delivery, command: &Command, terms: Terms, answer: Answer) {
    let at = format!("{:?} × {command:?}, {answer}", before.status);
    let (mut staff, untouched) = (couriers(5), couriers(5));
    let (mut room, mut expected_room) = (room_with(before), room_with(before));
    let mut means = Means { plan: &mut room, couriers: &mut staff, terms };
    let decided = before.clone().decide(command.clone(), &mut means, stamp(50));
    let expected = match (answer, command) {
        (Answer::Refused, _) => {
            assert!(decided.is_err(), "{at}: {decided:?}");
            assert_eq!((staff, room), (untouched, expected_room), "{at}: a refusal changes nothing");
            return;
        }
        (Answer::TheSame, _) => Moves::none(before),
        (Answer::Assigned, _) => {
            let freed = before.courier.clone().map(CourierChange::Free);
            let couriers = freed.into_iter().chain([CourierChange::Load("bo".to_owned())]).collect();
            Moves { couriers, ..Moves::none(before) }
        }
        (Answer::Dispatched, _) => {
            let courier = before.courier.clone().expect("a courier");
            Moves::announcing(before, Status::Dispatched, Event::DeliveryDispatched(DeliveryDispatched { courier }))
        }
        (Answer::AnotherDay, Command::Attempt { date, .. }) => {
            let from = before.slot.clone().expect("a slot");
            let to = Slot { date: date.unwrap_or(next_day_with_room(from.date)), ..from.clone() };
            Moves { slot: Some(SlotChange::Move { from, to }), ..Moves::none(before) }
        }
        (Answer::CameBack, Command::Attempt { .. }) => {
            let event = Event::DeliveryFailed(failed(FailureReason::RecipientAbsent));
            Moves::announcing(before, Status::Failed, event).giving_back(before, false)
        }
        (Answer::Delivered, _) => {
            let handed_over = Event::DeliveryCompleted(DeliveryCompleted { proof: proof() });
            Moves::announcing(before, Status::Delivered, handed_over).giving_back(before, false)
        }
        (Answer::FailedFulfilment | Answer::FailedTransit, Command::Fail { reason }) => {
            let event = Event::DeliveryFailed(failed(*reason));
            let place = answer == Answer::FailedFulfilment;
            Moves::announcing(before, Status::Failed, event).giving_back(before, place)
        }
        (Answer::AnotherDay | Answer::CameBack, other)
        | (Answer::FailedFulfilment | Answer::FailedTransit | Answer::NotFound, other) => panic!("{at}: {other:?}"),
    };
    let decision = decided.unwrap_or_else(|refusal| panic!("{at}: {refusal}"));
    assert_eq!(Moves::of(&decision), expected, "{at}");
    assert_eq!(decision.anomaly, None, "{at}: only events are anomalies");
    decision.slot.iter().for_each(|change| expected_room.apply(change));
    assert_eq!(room, expected_room, "{at}: the next command sees the places moved");
    check_attempts(before, &decision.delivery, command, &at);
    if answer == Answer::TheSame {
        assert_eq!(decision.delivery, *before, "{at}: nothing has happened");
        assert!(decision.changes_nothing(), "{at}: nothing has happened");
    }
}

/// The rows of staff that stand for a row of events.
fn rows_of(row: Row) -> Vec<StaffRow> {
    COMMANDS.into_iter().map(|(staff, _)| staff).filter(|staff| staff.status() == row.0).collect()
}

#[test]
fn every_event_in_every_status_does_what_the_table_says() {
    let (mut cells, mut comparisons) = (0, 0);
    for (row, columns) in EVENTS {
        for (column, cell) in columns.into_iter().enumerate() {
            cells += 1;
            for event in events(column) {
                let before: Vec<Delivery> = rows_of(row).into_iter().flat_map(deliveries).collect();
                comparisons += before.len();
                before.iter().for_each(|delivery| check_event(delivery, &event, cell));
            }
        }
    }
    assert_eq!((cells, comparisons), (24, 231));
}

#[test]
fn the_first_event_about_an_order_does_what_the_table_says() {
    let [(_, cells), ..] = EVENTS;
    events(0).iter().for_each(|event| check_begin(event, cells[0], None));
    for (order, reason) in misfits() {
        check_begin(&Event::OrderCompleted(order), cells[1], Some(reason));
    }
    events(2).iter().for_each(|event| check_begin(event, cells[2], None));
}

#[test]
fn every_command_in_every_status_does_what_the_table_says() {
    let (mut cells, mut comparisons) = (0, 0);
    for (row, columns) in COMMANDS {
        for (column, answer) in columns.into_iter().enumerate() {
            cells += 1;
            if row == StaffRow::None {
                // There is nothing to ask: `decide` takes a delivery, so this cell belongs to HTTP alone.
                assert_eq!(answer, Answer::NotFound);
                continue;
            }
            for (before, command) in
                deliveries(row).iter().flat_map(|one| commands(column, one).into_iter().map(move |c| (one, c)))
            {
                comparisons += 1;
                check_command(before, &command, terms(column), again(answer, before, &command));
            }
        }
    }
    assert_eq!((cells, comparisons), (80, 315));
}

/// "The same" is the same reason, and the attempt recorded last; another reason for a delivery that has failed already is
/// refused, and so is an attempt told again that never was told.
fn again(answer: Answer, before: &Delivery, command: &Command) -> Answer {
    match command {
        Command::Fail { reason } if answer == Answer::TheSame && before.failure != Some(failed(*reason)) => {
            Answer::Refused
        }
        Command::Attempt { .. } if answer == Answer::TheSame && before.attempts.is_empty() => Answer::Refused,
        Command::AssignCourier { .. }
        | Command::Dispatch
        | Command::Attempt { .. }
        | Command::Complete { .. }
        | Command::Fail { .. } => answer,
    }
}

#[test]
fn every_status_has_a_row_in_both_tables() {
    for status in Status::ALL {
        assert!(EVENTS.iter().any(|(row, _)| row.0 == Some(status)), "no events for {status}");
        assert!(COMMANDS.iter().any(|(row, _)| row.status() == Some(status)), "no commands for {status}");
    }
}

#[test]
fn every_reason_to_fail_has_a_column() {
    let columns: Vec<Command> = (0..8).flat_map(|column| commands(column, &after(&[]))).collect();
    for reason in FailureReason::ALL {
        assert!(columns.contains(&Command::Fail { reason }), "{reason} is in no column");
    }
}

#[test]
fn the_same_courier_again_changes_nothing_and_another_takes_over() {
    let mut staff = couriers(5);
    let delivery = after(&[assigned()]);
    let same = asked(delivery.clone(), assigned(), &mut staff, stamp(50)).expect("granted");
    assert!(same.changes_nothing() && same.delivery == delivery);
    let other = Command::AssignCourier { courier: "bo".to_owned() };
    let taken_over = asked(delivery, other, &mut staff, stamp(51)).expect("granted");
    assert_eq!(taken_over.delivery.courier.as_deref(), Some("bo"));
    assert_eq!(taken_over.couriers, [CourierChange::Free("anna".to_owned()), CourierChange::Load("bo".to_owned())]);
}

#[test]
fn a_courier_carries_no_more_than_they_can() {
    let mut staff: Couriers = couriers(1);
    let first = asked(after(&[]), assigned(), &mut staff, stamp(50)).expect("granted");
    assert_eq!(first.delivery.courier.as_deref(), Some("anna"));
    let second = asked(after(&[]), assigned(), &mut staff, stamp(50));
    assert!(matches!(second, Err(Refusal::CourierFull { .. })), "{second:?}");
    let nobody = Command::AssignCourier { courier: "nobody".to_owned() };
    let unknown = asked(after(&[]), nobody, &mut staff, stamp(52));
    assert!(matches!(unknown, Err(Refusal::UnknownCourier { .. })), "{unknown:?}");
}
