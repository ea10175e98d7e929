//! Every cell of the order's tables, compared with the code: all ways into the row, all events of the column.

use order_service::domain::{
    ASKS_BEFORE_ATTENTION, Attention, CancelledBy, Command, Decision, Order, Payment, Refusal, Status, StockChange,
    StockState, TransferKind, What,
};
use shared_events::{Announce, CancellationReason, Event, EventKind, OrderCancelled, Stamp};

use crate::{
    fixtures::{REQUEST_TOTAL_MINOR, catalogue, request, stamp},
    order_lives::{OPEN, Step, TERMS, cancelled, created, events, live, orders},
    order_table::{Answer, COMMANDS, Cell, EVENTS, Effect, Row},
};

/// What the document says an effect is, in transfers and pieces.
struct Expected {
    transfers: Vec<(TransferKind, i64)>,
    stock: Vec<(StockChange, String, u32)>,
    payment: Payment,
    stock_state: StockState,
}

fn expected(before: &Order, effects: &[Effect]) -> Expected {
    let (mut payment, mut stock_state) = (before.payment, before.stock);
    let (mut transfers, mut stock) = (vec![], vec![]);
    let pieces = |change| [("TEA", 2), ("POT", 1)].map(|(sku, quantity)| (change, sku.to_owned(), quantity));
    for effect in effects {
        let (money, goods) = match effect {
            Effect::Capture => (Some((TransferKind::Capture, Payment::Captured)), None),
            Effect::Void => (Some((TransferKind::Void, Payment::Voided)), None),
            Effect::Refund => (Some((TransferKind::Refund, Payment::Refunded)), None),
            Effect::Release => (None, Some((StockChange::Release, StockState::Released))),
            Effect::Ship => (None, Some((StockChange::Ship, StockState::Shipped))),
            Effect::WriteOff => (None, Some((StockChange::WriteOff, StockState::WrittenOff))),
            Effect::DeliveryRecorded | Effect::CancellationRejected => (None, None),
        };
        if let Some((kind, becomes)) = money {
            transfers.push((kind, REQUEST_TOTAL_MINOR));
            payment = becomes;
        }
        if let Some((change, becomes)) = goods {
            stock.extend(pieces(change));
            stock_state = becomes;
        }
    }
    Expected { transfers, stock, payment, stock_state }
}

/// Compares money, goods and status with what the document says; shared by events and commands.
fn check_moves(before: &Order, status: Status, effects: &[Effect], decision: &Decision, at: &str) {
    let expected = expected(before, effects);
    let transfers: Vec<_> = decision.transfers.iter().map(|one| (one.kind, one.amount_minor)).collect();
    let stock: Vec<_> = decision.stock.iter().map(|one| (one.change, one.sku.clone(), one.quantity)).collect();
    assert_eq!(decision.order.status, status, "{at}: status");
    assert_eq!(transfers, expected.transfers, "{at}: money");
    assert_eq!(stock, expected.stock, "{at}: goods");
    assert_eq!(decision.order.payment, expected.payment, "{at}: payment");
    assert_eq!(decision.order.stock, expected.stock_state, "{at}: stock");
    let announced = matches!(decision.announce, Announce::New(_));
    assert_eq!(decision.order.version.0, before.version.0 + i64::from(announced), "{at}: version");
}

/// The one comparison of an event cell.
fn check_event(row: Row, event: &Event, cell: Cell, before: &Order) {
    let at = format!("{row} × {event:?}, {cell}");
    let decision = before.clone().react(event, stamp(50));
    let (status, effects) = match cell {
        Cell::Anomaly => (before.status, [].as_slice()),
        Cell::To(status, effects) => (status, effects),
        Cell::Stays(effects) => (before.status, effects),
    };
    check_moves(before, status, effects, &decision, &at);
    assert_eq!(decision.announce, Announce::Nothing, "{at}: an order answers no event with an event");
    let anomaly = decision.anomaly.map(|anomaly| (anomaly.event, anomaly.status));
    assert_eq!(anomaly, (cell == Cell::Anomaly).then_some((event.kind(), before.status)), "{at}: anomaly");
    let rejected = before.cancellation_rejected || effects.contains(&Effect::CancellationRejected);
    assert_eq!(decision.order.cancellation_rejected, rejected, "{at}: rejected");
    if cell == Cell::Anomaly {
        let unchanged = Order { changes: before.changes + 1, ..before.clone() };
        assert_eq!(decision.order, unchanged, "{at}: an anomaly moves nothing");
    }
    check_told(event, &decision, cell, &at);
    let change = decision.change.expect("an event is always written into the history");
    let written = (change.number, change.status, change.at, change.what);
    assert_eq!(written, (before.changes + 1, status, stamp(50).at, What::Event(event.kind())), "{at}: history");
}

/// What the customer can read of the delivery is what the event told.
fn check_told(event: &Event, decision: &Decision, cell: Cell, at: &str) {
    let known = &decision.order.delivery;
    match event {
        _ if cell == Cell::Anomaly => {}
        Event::DeliveryCreated(created) => {
            assert_eq!(known.id, Some(created.delivery_id), "{at}");
            assert_eq!(known.slot.as_ref(), Some(&created.slot), "{at}");
            assert_eq!(known.promised_date, Some(created.promised_date), "{at}");
        }
        Event::DeliveryFailed(failed) => assert_eq!(known.failure.as_ref(), Some(failed), "{at}"),
        Event::DeliveryDispatched(dispatched) => assert_eq!(known.courier.as_ref(), Some(&dispatched.courier), "{at}"),
        Event::DeliveryCompleted(completed) => assert_eq!(known.proof.as_ref(), Some(&completed.proof), "{at}"),
        Event::OrderCompleted(_) | Event::OrderCancelled(_) | Event::DeliveryCancelled(_) => {}
    }
}

fn ask(before: &Order, column: usize, at: Stamp) -> Result<Decision, Refusal> {
    let command = match column {
        0 => Command::Cancel { by: CancelledBy::Customer },
        1 => Command::Cancel { by: CancelledBy::Operator },
        2 => return Ok(before.clone().overdue(OPEN, &TERMS, at)),
        other => panic!("no column {other}"),
    };
    before.clone().decide(command, at)
}

/// The one comparison of a command cell.
fn check_command(row: Row, column: usize, answer: Answer, before: &Order) {
    let at = format!("{row} × command {column}, {answer}");
    let decision = ask(before, column, stamp(50));
    if answer == Answer::Refused {
        assert_eq!(decision, Err(Refusal::TooLate { status: before.status }), "{at}");
        return;
    }
    let decision = decision.unwrap_or_else(|refusal| panic!("{at}: {refusal:?}"));
    assert_eq!(decision.anomaly, None, "{at}: only events are anomalies");
    match answer {
        Answer::Cancelling(reason) => {
            check_moves(before, Status::Cancelling, &[], &decision, &at);
            assert_eq!(decision.announce, Announce::New(Event::OrderCancelled(OrderCancelled { reason })), "{at}");
            assert!(decision.change.is_some(), "{at}: history");
        }
        Answer::TheSame | Answer::NoEffect => {
            check_moves(before, before.status, &[], &decision, &at);
            assert_eq!(decision.announce, Announce::Nothing, "{at}");
            assert_eq!(decision.order, *before, "{at}: nothing has happened");
            assert!(decision.change.is_none(), "{at}: nothing has happened, so the history says nothing");
        }
        Answer::AsksAgain => {
            check_moves(before, before.status, &[], &decision, &at);
            assert_eq!(decision.announce, Announce::Again(before.version), "{at}");
        }
        Answer::Flagged(attention) => {
            check_moves(before, before.status, &[], &decision, &at);
            assert_eq!(decision.announce, Announce::Nothing, "{at}: a person has to look, not the other side");
            assert_eq!(decision.order.attention, Some(attention), "{at}");
            assert_eq!(decision.change.map(|change| change.what), Some(What::DeadlinePassed), "{at}: history");
        }
        Answer::Refused => unreachable!("dealt with above"),
    }
}

#[test]
fn every_event_in_every_status_does_what_the_table_says() {
    let (mut cells, mut comparisons) = (0, 0);
    for (row, columns) in EVENTS {
        for (column, cell) in columns.into_iter().enumerate() {
            cells += 1;
            for (before, event) in
                orders(row).iter().flat_map(|order| events(column).into_iter().map(move |e| (order, e)))
            {
                comparisons += 1;
                check_event(row, &event, cell, before);
            }
        }
    }
    assert_eq!((cells, comparisons), (64, 306));
}

#[test]
fn every_command_in_every_status_does_what_the_table_says() {
    let (mut cells, mut comparisons) = (0, 0);
    for (row, columns) in COMMANDS {
        for (column, answer) in columns.into_iter().enumerate() {
            cells += 1;
            for before in orders(row) {
                comparisons += 1;
                check_command(row, column, answer, &before);
            }
        }
    }
    assert_eq!((cells, comparisons), (24, 54));
}

#[test]
fn every_status_has_a_row_in_both_tables() {
    for status in Status::ALL {
        assert!(EVENTS.iter().any(|(row, _)| row.status() == *status), "no events for {status}");
        assert!(COMMANDS.iter().any(|(row, _)| row.status() == *status), "no commands for {status}");
    }
}

#[test]
fn every_event_of_the_delivery_side_has_a_column() {
    let columns: Vec<EventKind> = (0..8).flat_map(events).map(|event| event.kind()).collect();
    for kind in EventKind::ALL.into_iter().filter(|kind| kind.topic() == shared_events::Topic::Deliveries) {
        assert!(columns.contains(&kind), "{kind} is in no column");
    }
}

#[test]
fn a_delivery_that_was_made_known_while_cancelling_is_not_made_known_again() {
    let known = live(&[Step::Cancel(CancelledBy::Customer), Step::Event(created())]);
    for (row, columns) in EVENTS.into_iter().filter(|(row, _)| *row == Row::CancellingHeld) {
        for (column, cell) in columns.into_iter().enumerate() {
            let cell = if column <= 1 { Cell::Anomaly } else { cell };
            events(column).iter().for_each(|event| check_event(row, event, cell, &known));
        }
    }
}

#[test]
fn an_order_that_hears_its_own_events_moves_nothing() {
    let placed = Order::place(request(), &mut catalogue(10), stamp(1)).expect("an order");
    let Announce::New(own) = placed.announce else { panic!("placing announces {:?}", placed.announce) };
    let cancel = Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer });
    for (row, _) in EVENTS {
        for (before, event) in orders(row).iter().flat_map(|order| [&own, &cancel].map(|event| (order, event))) {
            check_event(row, event, Cell::Anomaly, before);
        }
    }
}

#[test]
fn asking_again_goes_on_and_after_the_last_time_somebody_has_to_look() {
    let mut order = live(&[Step::Deadline]);
    for n in 1..=u64::from(ASKS_BEFORE_ATTENTION) + 3 {
        assert_eq!(order.attention.is_some(), n > u64::from(ASKS_BEFORE_ATTENTION), "asked {n} times");
        let decision = order.clone().overdue(OPEN, &TERMS, stamp(100 + n));
        assert_eq!(decision.announce, Announce::Again(order.version), "asked {n} times");
        assert_eq!((decision.transfers.len(), decision.stock.len()), (0, 0), "never refunded without an answer");
        order = decision.order;
    }
    assert_eq!(order.attention, Some(Attention::CancellationUnanswered));
    let answered = order.react(&cancelled(), stamp(200)).order;
    assert_eq!((answered.status, answered.attention), (Status::Cancelled, None));
}
