//! The order's tables of `docs/saga.md` as data, written from the document and not from the code.
//! `order_cells.rs` compares each cell with the code, `document.rs` each with the document.

use std::fmt;

use order_service::domain::{Attention, Status};
use shared_events::CancellationReason;

/// A row: a status, and where it matters how far the money had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Completed,
    Confirmed,
    CancellingHeld,
    CancellingCaptured,
    InDelivery,
    Delivered,
    Cancelled,
    Returned,
}

/// What happens beside the change of status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Capture,
    Void,
    Refund,
    Release,
    Ship,
    WriteOff,
    DeliveryRecorded,
    CancellationRejected,
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Anomaly,
    To(Status, &'static [Effect]),
    Stays(&'static [Effect]),
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Cancelling(CancellationReason),
    TheSame,
    Refused,
    NoEffect,
    AsksAgain,
    Flagged(Attention),
}

use Cell::{Anomaly, Stays, To};
use Effect::{CancellationRejected, Capture, DeliveryRecorded, Refund, Release, Ship, Void, WriteOff};

/// The events, as they head the columns.
pub const EVENT_COLUMNS: [&str; 8] = [
    "DeliveryCreated",
    "DeliveryFailed (creation)",
    "DeliveryFailed (fulfilment)",
    "DeliveryFailed (transit, returned)",
    "DeliveryFailed (transit, lost or damaged)",
    "DeliveryDispatched",
    "DeliveryCompleted",
    "DeliveryCancelled",
];

// Short names, so that a row is a line.
const _____: Cell = Anomaly;
const CONFI: Cell = To(Status::Confirmed, &[Capture]);
const VOIDD: Cell = To(Status::Cancelled, &[Void, Release]);
const REFND: Cell = To(Status::Cancelled, &[Refund, Release]);
const NOTED: Cell = Stays(&[DeliveryRecorded]);
const LEAVE: Cell = To(Status::InDelivery, &[]);
const CAPTR: Cell = To(Status::InDelivery, &[Capture, CancellationRejected]);
const REJCT: Cell = To(Status::InDelivery, &[CancellationRejected]);
const BROUG: Cell = To(Status::Returned, &[Refund, Release]);
const WROFF: Cell = To(Status::Returned, &[Refund, WriteOff]);
const SHIPD: Cell = To(Status::Delivered, &[Ship]);

/// 8 rows × 8 kinds of event.
#[rustfmt::skip]
pub const EVENTS: [(Row, [Cell; 8]); 8] = [
    //                        created creation fulfil returned  lost  dispatched completed cancelled
    (Row::Completed,          [CONFI,  VOIDD,  _____,  _____,  _____,  _____,  _____,  _____]),
    (Row::Confirmed,          [_____,  _____,  REFND,  _____,  _____,  LEAVE,  _____,  _____]),
    (Row::CancellingHeld,     [NOTED,  VOIDD,  VOIDD,  _____,  _____,  CAPTR,  _____,  VOIDD]),
    (Row::CancellingCaptured, [_____,  _____,  REFND,  _____,  _____,  REJCT,  _____,  REFND]),
    (Row::InDelivery,         [_____,  _____,  _____,  BROUG,  WROFF,  _____,  SHIPD,  _____]),
    (Row::Delivered,          [_____,  _____,  _____,  _____,  _____,  _____,  _____,  _____]),
    (Row::Cancelled,          [_____,  _____,  _____,  _____,  _____,  _____,  _____,  _____]),
    (Row::Returned,           [_____,  _____,  _____,  _____,  _____,  _____,  _____,  _____]),
];

/// The commands, as they head the columns.
pub const COMMAND_COLUMNS: [&str; 3] = ["the customer cancels", "an operator cancels", "the deadline passes"];

const CUSTOMER: Answer = Answer::Cancelling(CancellationReason::Customer);
const OPERATOR: Answer = Answer::Cancelling(CancellationReason::Operator);
const CLOCK: Answer = Answer::Cancelling(CancellationReason::NoDeliveryOutcome);

const UNDISPATCHED: Answer = Answer::Flagged(Attention::LateDispatch);
const UNDELIVERED: Answer = Answer::Flagged(Attention::LateDelivery);

/// 8 rows × 3 commands.
#[rustfmt::skip]
pub const COMMANDS: [(Row, [Answer; 3]); 8] = [
    (Row::Completed,          [CUSTOMER,        OPERATOR,        CLOCK]),
    (Row::Confirmed,          [CUSTOMER,        OPERATOR,        UNDISPATCHED]),
    (Row::CancellingHeld,     [Answer::TheSame, Answer::TheSame, Answer::AsksAgain]),
    (Row::CancellingCaptured, [Answer::TheSame, Answer::TheSame, Answer::AsksAgain]),
    (Row::InDelivery,         [Answer::Refused, Answer::Refused, UNDELIVERED]),
    (Row::Delivered,          [Answer::Refused, Answer::Refused, Answer::NoEffect]),
    (Row::Cancelled,          [Answer::TheSame, Answer::TheSame, Answer::NoEffect]),
    (Row::Returned,           [Answer::Refused, Answer::Refused, Answer::NoEffect]),
];

impl Row {
    /// The status of its name.
    pub fn status(self) -> Status {
        match self {
            Row::Completed => Status::Completed,
            Row::Confirmed => Status::Confirmed,
            Row::CancellingHeld | Row::CancellingCaptured => Status::Cancelling,
            Row::InDelivery => Status::InDelivery,
            Row::Delivered => Status::Delivered,
            Row::Cancelled => Status::Cancelled,
            Row::Returned => Status::Returned,
        }
    }
}

fn upper(status: Status) -> &'static str {
    match status {
        Status::Completed => "COMPLETED",
        Status::Confirmed => "CONFIRMED",
        Status::Cancelling => "CANCELLING",
        Status::InDelivery => "IN_DELIVERY",
        Status::Delivered => "DELIVERED",
        Status::Cancelled => "CANCELLED",
        Status::Returned => "RETURNED",
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "**{}**", upper(self.status()))?;
        match self {
            Row::CancellingHeld => f.write_str(", held"),
            Row::CancellingCaptured => f.write_str(", captured"),
            Row::Completed | Row::Confirmed | Row::InDelivery | Row::Delivered | Row::Cancelled | Row::Returned => {
                Ok(())
            }
        }
    }
}

impl Effect {
    fn words(self) -> &'static str {
        match self {
            Capture => "capture",
            Void => "void",
            Refund => "refund",
            Release => "release",
            Ship => "ship",
            WriteOff => "write off",
            DeliveryRecorded => "delivery recorded",
            CancellationRejected => "cancellation rejected",
        }
    }
}

fn with_effects(f: &mut fmt::Formatter<'_>, begin: &str, effects: &[Effect]) -> fmt::Result {
    f.write_str(begin)?;
    for (n, effect) in effects.iter().enumerate() {
        write!(f, "{}{}", if n == 0 { ": " } else { ", " }, effect.words())?;
    }
    Ok(())
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anomaly => f.write_str("anomaly"),
            To(status, effects) => with_effects(f, &format!("→ {}", upper(*status)), effects),
            Stays(effects) => with_effects(f, "stays", effects),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Cancelling(CancellationReason::Customer) => "→ CANCELLING: OrderCancelled (customer)",
            Answer::Cancelling(CancellationReason::Operator) => "→ CANCELLING: OrderCancelled (operator)",
            Answer::Cancelling(CancellationReason::NoDeliveryOutcome) => {
                "→ CANCELLING: OrderCancelled (no_delivery_outcome)"
            }
            Answer::TheSame => "the same (200)",
            Answer::Refused => "refused (409)",
            Answer::NoEffect => "no effect",
            Answer::AsksAgain => "stays: the same OrderCancelled again, attention after the last time",
            Answer::Flagged(Attention::LateDispatch) => "stays: attention (late_dispatch)",
            Answer::Flagged(Attention::LateDelivery) => "stays: attention (late_delivery)",
            Answer::Flagged(Attention::CancellationUnanswered) => "stays: attention (cancellation_unanswered)",
        })
    }
}
