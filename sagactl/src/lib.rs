//! The operator's command. What it finds out is a library, so that tests can find out the same.

pub mod journey;
pub mod preflight;
pub mod reconcile;
pub mod services;
pub mod stuck;
pub mod table;
pub mod topics;
pub mod verify;
