//! How much may happen in a history of the model. Within these bounds all of it does.

use delivery_service::domain::FailureReason;

use order_service::domain::CancelledBy;

use crate::pair::{bugs::Bug, order_side::Request};

/// What the model looks at.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub name: &'static str,
    /// The first is placed in the beginning, each other one at any time after it.
    pub orders: &'static [Request],
    /// How many things go wrong: a relay or a consumer dies, an acknowledgement is lost, a record comes once more, a reader goes back,
    /// an event cannot be applied, a second relay sends, a second consumer reads.
    pub faults: u8,
    /// How many deadlines pass.
    pub deadlines: u8,
    /// How many times an order waits once more for its outcome.
    pub extensions: u32,
    /// How many times a parcel is brought.
    pub max_attempts: u32,
    /// Whether anybody works with the parcels.
    pub has_staff: bool,
    /// Who cancels.
    pub cancelled_by: &'static [CancelledBy],
    /// Why deliveries fail.
    pub failures: &'static [FailureReason],
    pub bug: Option<Bug>,
}

impl Bounds {
    /// For whoever has minutes.
    pub fn larger(self) -> Self {
        Self { faults: self.faults + 1, ..self }
    }
}

const TEA: Request = Request { article: 0, quantity: 1, is_served: true, wished: None };
const TEA_TOMORROW: Request = Request { wished: Some(1), ..TEA };
const ANVIL: Request = Request { article: 1, ..TEA };

/// One of each kind.
const FAILURES: [FailureReason; 3] = [FailureReason::NoCourier, FailureReason::RecipientAbsent, FailureReason::Lost];

/// One order, and anything goes wrong once.
pub const FAULT: Bounds = Bounds {
    name: "one order, a fault",
    orders: &[TEA],
    faults: 1,
    deadlines: 0,
    extensions: 1,
    max_attempts: 1,
    has_staff: true,
    cancelled_by: &[CancelledBy::Customer],
    failures: &[FailureReason::NoCourier],
    bug: None,
};

/// An order that nobody can carry, and more goes wrong.
pub const FAULTS: Bounds = Bounds {
    name: "an order that does not fit, two faults",
    orders: &[ANVIL],
    faults: 2,
    max_attempts: 2,
    failures: &FAILURES,
    ..FAULT
};

/// Two orders that want the same place, on one partition.
pub const RIVALS: Bounds = Bounds {
    name: "two orders, one place",
    orders: &[TEA_TOMORROW, TEA_TOMORROW],
    faults: 0,
    has_staff: false,
    cancelled_by: &[],
    ..FAULT
};

/// One order, and everything that may be asked.
pub const TABLES: Bounds = Bounds {
    name: "one order, every command",
    faults: 0,
    deadlines: 1,
    max_attempts: 2,
    cancelled_by: CancelledBy::ALL,
    failures: &FAILURES,
    ..FAULT
};

/// One order, and patience that ends.
pub const PATIENCE: Bounds =
    Bounds { name: "one order, many deadlines", faults: 0, deadlines: 6, extensions: 0, has_staff: false, ..FAULT };
