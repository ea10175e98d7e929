//! What the business refuses, as a problem document.

use chassis::http::Problem;
use http::StatusCode;

use crate::domain::{FailureReason, Refusal};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = format!("{refusal}.");
        let conflict = |code| Problem::new(StatusCode::CONFLICT, code, &detail);
        match &refusal {
            Refusal::WrongStatus { status, .. } => conflict("wrong_status").with("delivery_status", status),
            Refusal::ReasonDoesNotFit { status, fitting, .. } => {
                let fitting: Vec<_> = fitting.iter().copied().map(FailureReason::name).collect();
                conflict("reason_does_not_fit").with("delivery_status", status).with("fitting_reasons", fitting)
            }
            Refusal::AlreadyDelivered { received_by } => conflict("already_delivered").with("received_by", received_by),
            Refusal::WrongAttempt { expected } => conflict("wrong_attempt").with("expected", expected),
            Refusal::NoDayWithRoom { alternatives } => conflict("slot_full").with("alternatives", alternatives),
            Refusal::NoCourierAssigned => conflict("no_courier_assigned"),
            Refusal::UnknownCourier { courier } => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_courier", &detail).with("courier_id", courier)
            }
            Refusal::CourierFull { capacity, .. } => conflict("courier_full").with("capacity", capacity),
            Refusal::CapacityBelowLoad { load, .. } => conflict("capacity_below_load").with("load", load),
            Refusal::CapacityBelowTaken { days, .. } => conflict("capacity_below_taken").with("days", days),
        }
    }
}
