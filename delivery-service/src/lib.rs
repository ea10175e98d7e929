//! The other side of the saga: zones and their slots, couriers, deliveries.

pub mod domain;
