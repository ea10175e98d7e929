//! What a delivery is and how it changes. Pure: no clock, no random ids, no waiting; all of that is handed in.

mod attempts;
mod command;
mod couriers;
mod decision;
mod delivery;
mod outlook;
mod plan;
mod recall;
mod status;
mod terms;

pub use attempts::Attempt;
pub use command::{Command, FailureReason, Put, Refusal, UnknownReason};
pub use couriers::{Courier, Couriers};
pub use decision::{Anomaly, CourierChange, Decision, Means, SlotChange};
pub use delivery::Delivery;
pub use outlook::{Coming, Prospect, outlook_of_none};
pub use plan::{
    DAYS_ON_OFFER, Destination, PREFIX_MAX_CHARS, Places, Plan, Zone, normal_postal_code, prefixes_of,
    readable_postal_code,
};
pub use recall::NotRecalled;
pub use status::{Status, UnknownStatus};
pub use terms::{Attention, MOST_ATTEMPTS, Terms, UnknownAttention, WaitingFor};

#[cfg(test)]
mod tests;
