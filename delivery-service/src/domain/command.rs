//! What staff and couriers may ask of a delivery, and why the answer may be no.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use shared_events::{DeliveryFailed, FulfilmentFailure, Goods, Proof, Slot, TransitFailure};

use super::Status;

/// Something asked of one delivery. It may be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Let this courier carry it; a former one is free again.
    AssignCourier {
        /// The courier's id.
        courier: String,
    },
    /// The courier has picked it up: the pivot.
    Dispatch,
    /// It was brought, and nobody was there.
    Attempt {
        /// Which one it was: 1, 2, 3… So what is told again is not a second one.
        number: u32,
        /// What the courier has to say about it.
        note: Option<String>,
        /// The day on which to bring it again, if the recipient has said one.
        date: Option<NaiveDate>,
    },
    /// It was handed over.
    Complete {
        /// What shows it.
        proof: Proof,
    },
    /// It ends without being handed over.
    Fail {
        /// Why.
        reason: FailureReason,
    },
}

impl Command {
    /// Its name, as the history keeps it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Command::AssignCourier { .. } => "assign_courier",
            Command::Dispatch => "dispatch",
            Command::Attempt { .. } => "attempt",
            Command::Complete { .. } => "complete",
            Command::Fail { .. } => "fail",
        }
    }
}

/// Why a delivery fails. Which reasons fit depends on whether the goods have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// Nobody could carry it. Before the pivot.
    NoCourier,
    /// Somebody of the delivery side. Before the pivot.
    Operator,
    /// Nobody opened, and the goods are back. After the pivot.
    RecipientAbsent,
    /// The recipient would not have it, and the goods are back. After the pivot.
    RefusedByRecipient,
    /// Nobody knows where it is. After the pivot.
    Lost,
    /// The goods are broken. After the pivot.
    Damaged,
}

/// The text names no reason for which a delivery can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownReason(pub String);

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of {}", self.0, names(&FailureReason::ALL))
    }
}

impl FailureReason {
    /// Every reason there is.
    pub const ALL: [FailureReason; 6] = [
        FailureReason::NoCourier,
        FailureReason::Operator,
        FailureReason::RecipientAbsent,
        FailureReason::RefusedByRecipient,
        FailureReason::Lost,
        FailureReason::Damaged,
    ];

    /// Its name in requests and events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FailureReason::NoCourier => "no_courier",
            FailureReason::Operator => "operator",
            FailureReason::RecipientAbsent => "recipient_absent",
            FailureReason::RefusedByRecipient => "refused_by_recipient",
            FailureReason::Lost => "lost",
            FailureReason::Damaged => "damaged",
        }
    }

    /// What is announced when a delivery fails for this reason, with what became of the goods.
    #[must_use]
    pub fn failed(self) -> DeliveryFailed {
        let transit = |reason, goods| DeliveryFailed::Transit { reason, goods };
        match self {
            FailureReason::NoCourier => DeliveryFailed::Fulfilment { reason: FulfilmentFailure::NoCourier },
            FailureReason::Operator => DeliveryFailed::Fulfilment { reason: FulfilmentFailure::Operator },
            FailureReason::RecipientAbsent => transit(TransitFailure::RecipientAbsent, Goods::Returned),
            FailureReason::RefusedByRecipient => transit(TransitFailure::RefusedByRecipient, Goods::Returned),
            FailureReason::Lost => transit(TransitFailure::Lost, Goods::Lost),
            FailureReason::Damaged => transit(TransitFailure::Damaged, Goods::Damaged),
        }
    }

    /// Whether a delivery in this status can fail for this reason.
    #[must_use]
    pub fn fits(self, status: Status) -> bool {
        match self.failed() {
            DeliveryFailed::Creation { .. } => false,
            DeliveryFailed::Fulfilment { .. } => status == Status::Scheduled,
            DeliveryFailed::Transit { .. } => status == Status::Dispatched,
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FailureReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FailureReason::ALL
            .into_iter()
            .find(|reason| reason.name() == text)
            .ok_or_else(|| UnknownReason(text.to_owned()))
    }
}

/// The business says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not in this status.
    WrongStatus {
        /// The command's name.
        command: &'static str,
        /// What the delivery is.
        status: Status,
    },
    /// In this status other reasons are possible, not this one.
    ReasonDoesNotFit {
        /// What was said.
        reason: FailureReason,
        /// What the delivery is.
        status: Status,
        /// What could have been said.
        fitting: Vec<FailureReason>,
    },
    /// It was handed over, so it neither comes back nor has to be brought again.
    AlreadyDelivered {
        /// Who took it.
        received_by: String,
    },
    /// Neither the attempt that comes next nor the one recorded last.
    WrongAttempt {
        /// The number that comes next.
        expected: u32,
    },
    /// The wished day has no room, or is none that could be had, or no later day has room.
    NoDayWithRoom {
        /// Later slots that have room, the earliest first.
        alternatives: Vec<Slot>,
    },
    /// Nobody is there to pick it up.
    NoCourierAssigned,
    /// There is no such courier.
    UnknownCourier {
        /// The id that was given.
        courier: String,
    },
    /// The courier carries as much as they can.
    CourierFull {
        /// Who.
        courier: String,
        /// How many parcels they can carry.
        capacity: i64,
    },
    /// A courier cannot be given a capacity below what they carry.
    CapacityBelowLoad {
        /// Who.
        courier: String,
        /// How many parcels they carry.
        load: i64,
    },
    /// A zone cannot be given a capacity below what is taken.
    CapacityBelowTaken {
        /// Which.
        zone: String,
        /// The days on which more is taken.
        days: Vec<NaiveDate>,
    },
}

/// What became of something that was put: a zone, a courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there.
    Created,
    /// It was there, and is another now.
    Replaced,
}

impl Put {
    pub(super) fn of<T>(before: Option<&T>) -> Self {
        match before {
            None => Put::Created,
            Some(_) => Put::Replaced,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::WrongStatus { command, status } => {
                write!(f, "the delivery is {status}, which does not allow {command}")
            }
            Refusal::ReasonDoesNotFit { reason, status, fitting } => {
                write!(f, "a delivery that is {status} does not fail with {reason}, only with {}", names(fitting))
            }
            Refusal::AlreadyDelivered { received_by } => {
                write!(f, "the parcel was handed over already, and {received_by} has received it")
            }
            Refusal::WrongAttempt { expected } => write!(f, "the next attempt of this delivery is number {expected}"),
            Refusal::NoDayWithRoom { alternatives } => {
                let days: Vec<_> = alternatives.iter().map(|slot| slot.date.to_string()).collect();
                match days.as_slice() {
                    [] => f.write_str("no later day that can be booked has room"),
                    days => write!(f, "that day cannot be had; later ones with room are {}", days.join(", ")),
                }
            }
            Refusal::NoCourierAssigned => f.write_str("nobody can pick it up before a courier is assigned"),
            Refusal::UnknownCourier { courier } => write!(f, "there is no courier `{courier}`"),
            Refusal::CourierFull { courier, capacity } => {
                write!(f, "courier `{courier}` already carries as many parcels as they can, {capacity}")
            }
            Refusal::CapacityBelowLoad { courier, load } => write!(f, "courier `{courier}` carries {load} parcels"),
            Refusal::CapacityBelowTaken { zone, days } => {
                let days: Vec<_> = days.iter().map(NaiveDate::to_string).collect();
                write!(f, "zone `{zone}` has more than that taken on {}", days.join(", "))
            }
        }
    }
}

fn names(reasons: &[FailureReason]) -> String {
    reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(", ")
}
