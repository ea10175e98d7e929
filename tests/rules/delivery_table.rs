//! The delivery's tables of `docs/saga.md` as data, written from the document and not from the code.
//! `delivery_cells.rs` compares each cell with the code, `document.rs` each with the document.

use std::fmt;

use delivery_service::domain::Status;

/// A row of the events' table: a status, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row(pub Option<Status>);

/// A row of the commands' table: what may be asked depends on more than the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffRow {
    None,
    Void,
    Refused,
    Unassigned,
    Assigned,
    Dispatched,
    FailedFulfilment,
    FailedTransit,
    Delivered,
    Cancelled,
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Anomaly,
    NoEffect,
    Scheduled,
    Refused,
    Void,
    Cancelled,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    NotFound,
    Refused,
    TheSame,
    Assigned,
    Dispatched,
    AnotherDay,
    CameBack,
    Delivered,
    FailedFulfilment,
    FailedTransit,
}

/// The events, as they head the columns.
pub const EVENT_COLUMNS: [&str; 3] = ["OrderCompleted, it fits", "OrderCompleted, it does not fit", "OrderCancelled"];

/// 8 rows × 3 events.
#[rustfmt::skip]
pub const EVENTS: [(Row, [Cell; 3]); 8] = [
    (Row(None),                     [Cell::Scheduled, Cell::Refused, Cell::Void]),
    (Row(Some(Status::Void)),       [Cell::Anomaly,   Cell::Anomaly, Cell::Anomaly]),
    (Row(Some(Status::Refused)),    [Cell::Anomaly,   Cell::Anomaly, Cell::NoEffect]),
    (Row(Some(Status::Scheduled)),  [Cell::Anomaly,   Cell::Anomaly, Cell::Cancelled]),
    (Row(Some(Status::Dispatched)), [Cell::Anomaly,   Cell::Anomaly, Cell::NoEffect]),
    (Row(Some(Status::Failed)),     [Cell::Anomaly,   Cell::Anomaly, Cell::NoEffect]),
    (Row(Some(Status::Delivered)),  [Cell::Anomaly,   Cell::Anomaly, Cell::NoEffect]),
    (Row(Some(Status::Cancelled)),  [Cell::Anomaly,   Cell::Anomaly, Cell::Anomaly]),
];

/// The commands, as they head the columns.
pub const COMMAND_COLUMNS: [&str; 8] = [
    "assign a courier",
    "dispatch",
    "attempt",
    "the last attempt",
    "an attempt told again",
    "complete",
    "fail (no_courier, operator)",
    "fail (recipient_absent, refused_by_recipient, lost, damaged)",
];

// Short names, so that a row is a line.
const UNKNO: Answer = Answer::NotFound;
const REFUS: Answer = Answer::Refused;
const SAME_: Answer = Answer::TheSame;
const ASSIG: Answer = Answer::Assigned;
const DISPA: Answer = Answer::Dispatched;
const ANDAY: Answer = Answer::AnotherDay;
const CABAC: Answer = Answer::CameBack;
const DELIV: Answer = Answer::Delivered;
const FULFI: Answer = Answer::FailedFulfilment;
const TRANS: Answer = Answer::FailedTransit;

/// 10 rows × 8 commands.
#[rustfmt::skip]
pub const COMMANDS: [(StaffRow, [Answer; 8]); 10] = [
    //                           assign dispatch attempt last  again  complete fail before, after the pivot
    (StaffRow::None,             [UNKNO, UNKNO, UNKNO, UNKNO, UNKNO, UNKNO, UNKNO, UNKNO]),
    (StaffRow::Void,             [REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS]),
    (StaffRow::Refused,          [REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS]),
    (StaffRow::Unassigned,       [ASSIG, REFUS, REFUS, REFUS, REFUS, REFUS, FULFI, REFUS]),
    (StaffRow::Assigned,         [ASSIG, DISPA, REFUS, REFUS, REFUS, REFUS, FULFI, REFUS]),
    (StaffRow::Dispatched,       [REFUS, SAME_, ANDAY, CABAC, SAME_, DELIV, REFUS, TRANS]),
    (StaffRow::FailedFulfilment, [REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, SAME_, REFUS]),
    (StaffRow::FailedTransit,    [REFUS, REFUS, REFUS, REFUS, SAME_, REFUS, REFUS, SAME_]),
    (StaffRow::Delivered,        [REFUS, REFUS, REFUS, REFUS, SAME_, SAME_, REFUS, REFUS]),
    (StaffRow::Cancelled,        [REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS, REFUS]),
];

impl StaffRow {
    /// The status of its name.
    pub fn status(self) -> Option<Status> {
        match self {
            StaffRow::None => None,
            StaffRow::Void => Some(Status::Void),
            StaffRow::Refused => Some(Status::Refused),
            StaffRow::Unassigned | StaffRow::Assigned => Some(Status::Scheduled),
            StaffRow::Dispatched => Some(Status::Dispatched),
            StaffRow::FailedFulfilment | StaffRow::FailedTransit => Some(Status::Failed),
            StaffRow::Delivered => Some(Status::Delivered),
            StaffRow::Cancelled => Some(Status::Cancelled),
        }
    }
}

fn upper(status: Status) -> &'static str {
    match status {
        Status::Void => "VOID",
        Status::Refused => "REFUSED",
        Status::Scheduled => "SCHEDULED",
        Status::Dispatched => "DISPATCHED",
        Status::Failed => "FAILED",
        Status::Delivered => "DELIVERED",
        Status::Cancelled => "CANCELLED",
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "**{}**", self.0.map_or("none", upper))
    }
}

impl fmt::Display for StaffRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Row(self.status()).fmt(f)?;
        f.write_str(match self {
            StaffRow::Unassigned => ", no courier",
            StaffRow::Assigned => ", with courier",
            StaffRow::FailedFulfilment => ", fulfilment",
            StaffRow::FailedTransit => ", transit",
            StaffRow::None
            | StaffRow::Void
            | StaffRow::Refused
            | StaffRow::Dispatched
            | StaffRow::Delivered
            | StaffRow::Cancelled => "",
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cell::Anomaly => "anomaly",
            Cell::NoEffect => "no effect",
            Cell::Scheduled => "→ SCHEDULED: take a place, DeliveryCreated",
            Cell::Refused => "→ REFUSED: DeliveryFailed (creation)",
            Cell::Void => "→ VOID: DeliveryCancelled",
            Cell::Cancelled => "→ CANCELLED: give back place and courier, DeliveryCancelled",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::NotFound => "not found (404)",
            Answer::Refused => "refused (409)",
            Answer::TheSame => "the same (200)",
            Answer::Assigned => "stays: courier assigned",
            Answer::Dispatched => "→ DISPATCHED: DeliveryDispatched",
            Answer::AnotherDay => "stays: attempt recorded, place moved to another day",
            Answer::CameBack => "→ FAILED: attempt recorded, free the courier, DeliveryFailed (transit)",
            Answer::Delivered => "→ DELIVERED: free the courier, DeliveryCompleted",
            Answer::FailedFulfilment => "→ FAILED: give back place and courier, DeliveryFailed (fulfilment)",
            Answer::FailedTransit => "→ FAILED: free the courier, DeliveryFailed (transit)",
        })
    }
}
