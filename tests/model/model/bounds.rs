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
    /// Whether commits hand over what they announce.
    pub hands_over: bool,
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

/// All that is looked at.
pub const ALL: [Bounds; 9] = [FAULT, FAULTS, ASKED, FITS, HANDED, RIVALS, TABLES, PATIENCE, LATE];

/// One order, and anything goes wrong once.
pub const FAULT: Bounds = Bounds {
    name: "one order, all that staff and customer may do, one fault",
    orders: &[TEA],
    faults: 1,
    deadlines: 0,
    extensions: 1,
    max_attempts: 1,
    has_staff: true,
    hands_over: false,
    cancelled_by: &[CancelledBy::Customer],
    failures: &[FailureReason::NoCourier],
    bug: None,
};

/// An order that nobody can carry, and more goes wrong.
pub const FAULTS: Bounds = Bounds {
    name: "an order that nobody can carry, two faults, no staff",
    orders: &[ANVIL],
    faults: 2,
    has_staff: false,
    ..FAULT
};

/// An order that nobody can carry, and somebody who asks for it all the same.
pub const ASKED: Bounds = Bounds {
    name: "an order that nobody can carry, all that staff may do, one fault",
    faults: 1,
    has_staff: true,
    max_attempts: 2,
    failures: &FAILURES,
    ..FAULTS
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
    name: "one order, every command, a deadline",
    faults: 0,
    deadlines: 1,
    max_attempts: 2,
    cancelled_by: CancelledBy::ALL,
    failures: &FAILURES,
    ..FAULT
};

/// One order, and patience that ends.
pub const PATIENCE: Bounds =
    Bounds { name: "one order, six deadlines", faults: 0, deadlines: 6, extensions: 0, has_staff: false, ..FAULT };

/// An order that fits, and more goes wrong.
pub const FITS: Bounds = Bounds {
    name: "an order that fits, two faults, no staff",
    faults: 2,
    has_staff: false,
    cancelled_by: &[],
    ..FAULT
};

/// An order that the commits hand over.
pub const HANDED: Bounds = Bounds {
    name: "an order that is handed over, one fault, no staff",
    has_staff: false,
    hands_over: true,
    cancelled_by: &[],
    ..FAULT
};

/// Patience that ends while something goes wrong.
pub const LATE: Bounds = Bounds {
    name: "one order, a deadline, one fault, no staff",
    deadlines: 1,
    extensions: 0,
    has_staff: false,
    cancelled_by: &[],
    ..FAULT
};
