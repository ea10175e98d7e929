//! What a delivery is and how it changes. Pure: no clock, no random ids, no waiting; all of that is handed in.

mod command;
mod couriers;
mod decision;
mod delivery;
mod plan;
mod terms;

pub use command::{Command, FailureReason, Put, Refusal, UnknownReason};
pub use couriers::{Courier, Couriers};
pub use decision::{Anomaly, CourierChange, Decision, SlotChange};
pub use delivery::{Delivery, Status, UnknownStatus};
pub use plan::{
    DAYS_ON_OFFER, Destination, PREFIX_MAX_CHARS, Places, Plan, Routes, Zone, normal_postal_code, prefixes_of,
};
pub use terms::{Attention, Terms, UnknownAttention, WaitingFor};

#[cfg(test)]
mod tests;
