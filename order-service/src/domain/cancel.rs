//! Cancelling: we ask, and the delivery side's answer decides.

use shared_events::{Announce, CancellationReason, Event, OrderCancelled, Stamp};

use super::{Attention, Cancellation, Decision, Order, Refusal, Status, What, names::named};

/// So many unanswered requests to cancel, and somebody has to look.
pub const ASKS_BEFORE_ATTENTION: u32 = 5;

named! {
    /// Who wants an order cancelled.
    CancelledBy {
        /// Whoever placed it.
        Customer = "customer",
        /// Somebody of the shop.
        Operator = "operator",
    }
}

/// What can be asked of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Somebody wants it cancelled.
    Cancel {
        /// Who.
        by: CancelledBy,
    },
}

impl Order {
    /// Does what is asked, where the order has not come too far for it. The same cancellation again changes nothing.
    ///
    /// # Errors
    /// [`Refusal::TooLate`]: the parcel has left, or the order has ended in another way.
    pub fn decide(self, command: Command, stamp: Stamp) -> Result<Decision, Refusal> {
        match command {
            Command::Cancel { by } => self.cancel(by, stamp),
        }
    }

    fn cancel(self, by: CancelledBy, stamp: Stamp) -> Result<Decision, Refusal> {
        let reason = match by {
            CancelledBy::Customer => CancellationReason::Customer,
            CancelledBy::Operator => CancellationReason::Operator,
        };
        match self.status {
            Status::Completed | Status::Confirmed => {
                Ok(self.asking_to_cancel(reason).because(What::CancellationAsked(by), stamp))
            }
            Status::Cancelling | Status::Cancelled => Ok(Decision::nothing(self)),
            Status::InDelivery | Status::Delivered | Status::Returned => Err(Refusal::TooLate { status: self.status }),
        }
    }

    /// The clock decides nothing: it only makes us ask.
    pub(super) fn deadline_passed(self, stamp: Stamp) -> Decision {
        match self.status {
            Status::Completed => {
                self.asking_to_cancel(CancellationReason::NoDeliveryOutcome).because(What::DeadlinePassed, stamp)
            }
            Status::Cancelling => self.asking_again().because(What::DeadlinePassed, stamp),
            Status::Confirmed => self.late(Attention::LateDispatch, stamp),
            Status::InDelivery => self.late(Attention::LateDelivery, stamp),
            Status::Delivered | Status::Cancelled | Status::Returned => Decision::nothing(self),
        }
    }

    pub(super) fn asking_to_cancel(mut self, reason: CancellationReason) -> Decision {
        self.cancellation = Some(Cancellation::Asked(reason));
        self.cancellation_asked = 1;
        Decision::nothing(self).status(Status::Cancelling).announcing(Event::OrderCancelled(OrderCancelled { reason }))
    }

    fn asking_again(mut self) -> Decision {
        if self.cancellation_asked >= ASKS_BEFORE_ATTENTION {
            self.attention = Some(Attention::CancellationUnanswered);
        }
        self.cancellation_asked = self.cancellation_asked.saturating_add(1);
        self.deadline = None;
        // OrderCancelled is the last thing this side announces about an order, so the order's version is its version.
        let same = self.version;
        Decision { announce: Announce::Again(same), ..Decision::nothing(self) }
    }

    /// Only a person can make a parcel leave or arrive, so somebody has to look.
    fn late(mut self, attention: Attention, stamp: Stamp) -> Decision {
        if self.attention == Some(attention) {
            return Decision::nothing(self);
        }
        self.attention = Some(attention);
        self.deadline = None;
        Decision::nothing(self).because(What::DeadlinePassed, stamp)
    }
}
