//! What HTTP says where the business says no.

use chassis::http::Problem;
use http::StatusCode;

use crate::domain::Refusal;

/// The problem document for a refusal.
#[must_use]
pub fn refused(refusal: &Refusal) -> Problem {
    let (unprocessable, conflict) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT);
    let code = refusal.code();
    match refusal {
        Refusal::UnknownSku { skus } => {
            let detail = format!("The catalogue does not have: {}.", skus.join(", "));
            Problem::new(unprocessable, code, detail).with("skus", skus)
        }
        Refusal::OutOfStock { skus } => {
            let detail = format!("Fewer pieces are available than were ordered of: {}.", skus.join(", "));
            Problem::new(conflict, code, detail).with("skus", skus)
        }
        Refusal::PriceChanged { expected, actual } => {
            let detail = format!("The total is now {actual}, not {expected}.");
            Problem::new(conflict, code, detail).with("expected_total", expected).with("actual_total", actual)
        }
        Refusal::CurrencyMismatch { currency, skus } => {
            let detail = format!("These are not priced in {currency}: {}.", skus.join(", "));
            Problem::new(unprocessable, code, detail).with("skus", skus)
        }
        Refusal::TotalOutOfRange => {
            Problem::new(unprocessable, code, "The total is nothing, or more than can be counted.")
        }
        Refusal::TooLate { status } => {
            let detail = format!("The order is {status} and can no longer be cancelled.");
            Problem::new(conflict, code, detail).with("order_status", status)
        }
        Refusal::CurrencyFixed { currency } => {
            let detail = format!("The product is priced in {currency}, which cannot change.");
            Problem::new(conflict, code, detail).with("currency", currency)
        }
    }
}
