//! What the histories came through. A rule that was never put to the test was not tested.

use std::collections::BTreeMap;

use delivery_service::domain::{Command, Delivery, FailureReason, Status as DeliveryStatus, Terms};
use order_service::domain::{Order, Payment, Status};
use shared_events::{DeliveryFailed, Event, Goods, Slot};

use crate::{
    delivery_table::{self, StaffRow},
    order_table::{self, Row},
};

/// How often each thing happened.
#[derive(Debug, Default, Clone)]
pub struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    pub fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn add(&mut self, other: Coverage) {
        for (what, times) in other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// How often it happened.
    pub fn times(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// The cells of tables that histories came through.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|what| what.contains(" × "))
    }

    /// What of these never happened.
    pub fn missing(&self, expected: impl IntoIterator<Item = String>) -> Vec<String> {
        expected.into_iter().filter(|what| self.times(what) == 0).collect()
    }
}

/// The cell of the order's table of events.
pub fn order_event(before: &Order, event: &Event) -> String {
    let column = match event {
        Event::DeliveryCreated(_) => 0,
        Event::DeliveryFailed(DeliveryFailed::Creation { .. }) => 1,
        Event::DeliveryFailed(DeliveryFailed::Fulfilment { .. }) => 2,
        Event::DeliveryFailed(DeliveryFailed::Transit { goods: Goods::Returned, .. }) => 3,
        Event::DeliveryFailed(DeliveryFailed::Transit { goods: Goods::Lost | Goods::Damaged, .. }) => 4,
        Event::DeliveryDispatched(_) => 5,
        Event::DeliveryCompleted(_) => 6,
        Event::DeliveryCancelled(_) => 7,
        Event::OrderCompleted(_) | Event::OrderCancelled(_) => panic!("not on this lane"),
    };
    order_cell(order_row(before), order_table::EVENT_COLUMNS[column])
}

/// The cell of the order's table of commands.
pub fn order_command(before: &Order, column: usize) -> String {
    order_cell(order_row(before), order_table::COMMAND_COLUMNS[column])
}

fn order_cell(row: Row, column: &str) -> String {
    format!("order {row} × {column}")
}

fn order_row(order: &Order) -> Row {
    match (order.status, order.payment) {
        (Status::Completed, _) => Row::Completed,
        (Status::Confirmed, _) => Row::Confirmed,
        (Status::Cancelling, Payment::Held) => Row::CancellingHeld,
        (Status::Cancelling, Payment::Captured | Payment::Voided | Payment::Refunded) => Row::CancellingCaptured,
        (Status::InDelivery, _) => Row::InDelivery,
        (Status::Delivered, _) => Row::Delivered,
        (Status::Cancelled, _) => Row::Cancelled,
        (Status::Returned, _) => Row::Returned,
    }
}

/// The cell of the delivery's table of events, known once it is decided whether an order fits.
pub fn delivery_event(before: Option<&Delivery>, event: &Event, after: &Delivery) -> String {
    let fits = after.status != DeliveryStatus::Refused;
    let column = match event {
        Event::OrderCompleted(_) if fits => 0,
        Event::OrderCompleted(_) => 1,
        Event::OrderCancelled(_) => 2,
        Event::DeliveryCreated(_)
        | Event::DeliveryFailed(_)
        | Event::DeliveryCancelled(_)
        | Event::DeliveryDispatched(_)
        | Event::DeliveryCompleted(_) => panic!("not on this lane"),
    };
    let row = delivery_table::Row(before.map(|delivery| delivery.status));
    format!("delivery {row} × {}", delivery_table::EVENT_COLUMNS[column])
}

/// The cell of the delivery's table of commands.
pub fn delivery_command(before: &Delivery, command: &Command, terms: Terms) -> String {
    use FailureReason::{Damaged, Lost, NoCourier, Operator, RecipientAbsent, RefusedByRecipient};
    let recorded = u32::try_from(before.attempts.len()).expect("few");
    let column = match command {
        Command::AssignCourier { .. } => 0,
        Command::Dispatch => 1,
        Command::Attempt { number, .. } if *number == recorded => 4,
        Command::Attempt { .. } if recorded + 1 < terms.max_attempts => 2,
        Command::Attempt { .. } => 3,
        Command::Complete { .. } => 5,
        Command::Fail { reason: NoCourier | Operator } => 6,
        Command::Fail { reason: RecipientAbsent | RefusedByRecipient | Lost | Damaged } => 7,
    };
    format!("delivery {} × {}", staff_row(before), delivery_table::COMMAND_COLUMNS[column])
}

/// What a refused order could have instead.
pub fn alternatives(delivery: &Delivery) -> &[Slot] {
    match &delivery.failure {
        Some(DeliveryFailed::Creation { alternatives, .. }) => alternatives,
        Some(DeliveryFailed::Fulfilment { .. } | DeliveryFailed::Transit { .. }) | None => &[],
    }
}

fn staff_row(delivery: &Delivery) -> StaffRow {
    match delivery.status {
        DeliveryStatus::Void => StaffRow::Void,
        DeliveryStatus::Refused => StaffRow::Refused,
        DeliveryStatus::Scheduled if delivery.courier.is_none() => StaffRow::Unassigned,
        DeliveryStatus::Scheduled => StaffRow::Assigned,
        DeliveryStatus::Dispatched => StaffRow::Dispatched,
        DeliveryStatus::Failed if matches!(delivery.failure, Some(DeliveryFailed::Fulfilment { .. })) => {
            StaffRow::FailedFulfilment
        }
        DeliveryStatus::Failed => StaffRow::FailedTransit,
        DeliveryStatus::Delivered => StaffRow::Delivered,
        DeliveryStatus::Cancelled => StaffRow::Cancelled,
    }
}

/// Every cell that can be reached if both sides keep to their tables.
pub fn reachable_cells() -> Vec<String> {
    let mut cells = vec![];
    for (row, columns) in order_table::EVENTS {
        let reachable = |(_, cell): &(&str, order_table::Cell)| *cell != order_table::Cell::Anomaly;
        let columns = order_table::EVENT_COLUMNS.into_iter().zip(columns).filter(reachable);
        cells.extend(columns.map(|(column, _)| order_cell(row, column)));
    }
    for (row, _) in order_table::COMMANDS {
        cells.extend(order_table::COMMAND_COLUMNS.map(|column| order_cell(row, column)));
    }
    for (row, columns) in delivery_table::EVENTS {
        let reachable = |(_, cell): &(&str, delivery_table::Cell)| *cell != delivery_table::Cell::Anomaly;
        let columns = delivery_table::EVENT_COLUMNS.into_iter().zip(columns).filter(reachable);
        cells.extend(columns.map(|(column, _)| format!("delivery {row} × {column}")));
    }
    for (row, _) in delivery_table::COMMANDS.into_iter().filter(|(row, _)| *row != StaffRow::None) {
        cells.extend(delivery_table::COMMAND_COLUMNS.map(|column| format!("delivery {row} × {column}")));
    }
    cells
}

/// Everything that can go wrong on the way.
pub const ON_THE_WAY: [&str; 15] = [
    "a record arrives, the relay does not hear of it, and it is sent again",
    "a record is lost on the way to the broker, and sent again",
    "a relay dies with a record on its way",
    "a relay dies before it hears that a record has arrived",
    "a relay dies before it deletes a pointer",
    "a relay's client breaks with something in flight",
    "what was handed over is taken when it has long been sent",
    "two relays send one event",
    "an old record is sent once more",
    "a consumer dies before its commit",
    "a consumer dies before it stores its offset",
    "two consumers have read the same",
    "a reader goes back",
    "two records change places",
    "a batch is halved until what cannot be applied is alone",
];

/// Everything that a transaction has to deal with, and every race.
pub const IN_A_TRANSACTION: [&str; 18] = [
    "the day that an absent recipient wishes has no room",
    "an order is refused because nothing is left",
    "a refusal names other days",
    "a claim fails because another reader was first",
    "a repeat has no effect",
    "an event cannot be applied and is parked",
    "a parked event is applied after all",
    "a gap is parked",
    "a gap is closed",
    "OrderCancelled jumps a parked OrderCompleted",
    "OrderCancelled jumps an OrderCompleted that has not arrived",
    "an OrderCompleted that was jumped or given up arrives and is stale",
    "an operator gives up an OrderCompleted that cannot be applied",
    "somebody has to look at an order",
    "somebody has to look at a delivery",
    "an order waits once more for its outcome",
    "a cancellation that has not gone out is not asked for again",
    "a question is asked and asked again, and nobody answers",
];
