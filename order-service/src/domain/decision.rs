//! What becomes of an order, and everything that has to be saved with it.

use chrono::{DateTime, Utc};
use shared_events::{Announce, Currency, Event, EventKind, Stamp};

use super::{CancelledBy, Order, Payment, Status, StockChange, StockMove, StockState, TooEarly, names::named};

named! {
    /// Where money can be.
    Account {
        /// With the customer, outside the shop.
        Customer = "customer",
        /// Set aside at the payment provider, nobody's to spend.
        Held = "held",
        /// The shop's.
        Revenue = "revenue",
    }
}

named! {
    /// Why money moves. Each happens at most once for an order.
    TransferKind {
        /// Checkout sets it aside.
        Hold = "hold",
        /// There will be a delivery: it becomes ours.
        Capture = "capture",
        /// There will be none: what was set aside goes back.
        Void = "void",
        /// There will be none after all: what was ours goes back.
        Refund = "refund",
    }
}

impl TransferKind {
    /// Where the money comes from.
    #[must_use]
    pub fn debit(self) -> Account {
        match self {
            TransferKind::Hold => Account::Customer,
            TransferKind::Capture | TransferKind::Void => Account::Held,
            TransferKind::Refund => Account::Revenue,
        }
    }

    /// Where the money goes.
    #[must_use]
    pub fn credit(self) -> Account {
        match self {
            TransferKind::Hold => Account::Held,
            TransferKind::Capture => Account::Revenue,
            TransferKind::Void | TransferKind::Refund => Account::Customer,
        }
    }
}

/// Money on the move: what leaves one account arrives on another, so the books balance by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Why, and with it between which accounts.
    pub kind: TransferKind,
    /// How much, more than nothing.
    pub amount_minor: i64,
}

/// What brought a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A customer placed the order.
    Placed,
    /// Somebody wanted it cancelled.
    CancellationAsked(CancelledBy),
    /// The answer it waited for did not come in time.
    DeadlinePassed,
    /// The answer did not come in time, but it was too early to ask for it.
    DeadlineExtended(TooEarly),
    /// The delivery side announced something.
    Event(EventKind),
    /// The database had lost it, and it was rebuilt from what had been announced.
    Recalled,
}

impl What {
    /// As it stands in the history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            What::Placed => "placed",
            What::CancellationAsked(CancelledBy::Customer) => "cancellation_by_customer",
            What::CancellationAsked(CancelledBy::Operator) => "cancellation_by_operator",
            What::DeadlinePassed => "deadline_passed",
            What::DeadlineExtended(_) => "deadline_extended",
            What::Event(kind) => kind.name(),
            What::Recalled => "recalled",
        }
    }
}

/// One line of an order's history. An event that changed nothing has one too: it was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// 1, 2, 3… for each order.
    pub number: u32,
    /// Where the order stood after it.
    pub status: Status,
    /// When.
    pub at: DateTime<Utc>,
    /// What brought it.
    pub what: What,
}

/// An event that the other side cannot have announced in this status, if both keep to their tables. It moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// What was announced.
    pub event: EventKind,
    /// Where the order stood.
    pub status: Status,
}

/// What becomes of an order, and what is announced about it: made together, saved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The order as it is from now on.
    pub order: Order,
    /// The money that moves.
    pub transfers: Vec<Transfer>,
    /// The pieces that move.
    pub stock: Vec<StockMove>,
    /// What the other side has to know. A new event has the order's version.
    pub announce: Announce,
    /// What should have been impossible.
    pub anomaly: Option<Anomaly>,
    /// The line for the history; none where nothing happened, because it had happened before.
    pub change: Option<Change>,
}

/// The business says no. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The catalogue has no such articles.
    UnknownSku {
        /// Which.
        skus: Vec<String>,
    },
    /// Fewer pieces are available than were wanted.
    OutOfStock {
        /// Of which articles.
        skus: Vec<String>,
    },
    /// The customer saw another total than the catalogue gives now.
    PriceChanged {
        /// What the customer saw.
        expected: i64,
        /// What it would be.
        actual: i64,
    },
    /// Articles are priced in another currency than the order's.
    CurrencyMismatch {
        /// The order's.
        currency: Currency,
        /// Which articles.
        skus: Vec<String>,
    },
    /// The total is nothing at all, or more than can be counted.
    TotalOutOfRange,
    /// The order has come too far to be cancelled.
    TooLate {
        /// How far.
        status: Status,
    },
    /// An article keeps the currency it was created with.
    CurrencyFixed {
        /// Which one that is.
        currency: Currency,
    },
}

impl Refusal {
    /// The name that the problem document and the metric have for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownSku { .. } => "unknown_sku",
            Refusal::OutOfStock { .. } => "out_of_stock",
            Refusal::PriceChanged { .. } => "price_changed",
            Refusal::CurrencyMismatch { .. } => "currency_mismatch",
            Refusal::TotalOutOfRange => "total_out_of_range",
            Refusal::TooLate { .. } => "too_late",
            Refusal::CurrencyFixed { .. } => "currency_fixed",
        }
    }
}

impl Decision {
    /// Nothing happens: where every decision begins.
    pub(super) fn nothing(order: Order) -> Self {
        Self { order, transfers: vec![], stock: vec![], announce: Announce::Nothing, anomaly: None, change: None }
    }

    /// Writes the line for the history; always the last step.
    pub(super) fn because(mut self, what: What, stamp: Stamp) -> Self {
        self.order.changes += 1;
        self.change = Some(Change { number: self.order.changes, status: self.order.status, at: stamp.at, what });
        self
    }

    pub(super) fn announcing(mut self, event: Event) -> Self {
        self.order.version = self.order.version.next();
        self.announce = Announce::New(event);
        self
    }

    /// A new status is a new wait: the old one's deadline has no meaning any more, and nobody has to look because of it.
    pub(super) fn status(mut self, status: Status) -> Self {
        self.order.status = status;
        self.order.attention = None;
        self.order.deadline = None;
        self.order.deadline_extended = 0;
        self
    }

    pub(super) fn moving_money(mut self, kind: TransferKind) -> Self {
        self.transfers.push(Transfer { kind, amount_minor: self.order.total_minor });
        self
    }

    /// The money becomes ours, unless it is already.
    pub(super) fn capturing(mut self) -> Self {
        match self.order.payment {
            Payment::Held => {
                self.order.payment = Payment::Captured;
                self.moving_money(TransferKind::Capture)
            }
            Payment::Captured | Payment::Voided | Payment::Refunded => self,
        }
    }

    /// The money goes back to the customer, however far it had come.
    pub(super) fn giving_money_back(mut self) -> Self {
        match self.order.payment {
            Payment::Held => {
                self.order.payment = Payment::Voided;
                self.moving_money(TransferKind::Void)
            }
            Payment::Captured => {
                self.order.payment = Payment::Refunded;
                self.moving_money(TransferKind::Refund)
            }
            Payment::Voided | Payment::Refunded => self,
        }
    }

    /// The pieces of the order move.
    pub(super) fn moving_stock(mut self, change: StockChange, becomes: StockState) -> Self {
        self.order.stock = becomes;
        let moved = |item: &super::OrderItem| StockMove { change, sku: item.sku.clone(), quantity: item.quantity };
        self.stock.extend(self.order.items.iter().map(moved));
        self
    }
}
