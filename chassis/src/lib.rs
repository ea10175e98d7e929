//! How a service runs. Knows no order and no courier.
//!
//! It calls a service in four places: its routes, its [`Requests`] (what people ask), its [`Reactions`] (what the other
//! side announced) and its [`Deadlines`] (what has waited too long). Each of the latter three is load → decide or react →
//! save, in one transaction, on a batch.

pub mod access;
pub mod audit;
pub mod clock;
mod commit;
mod config;
mod database;
mod deadlines;
mod failure;
#[cfg(test)]
mod fuzz;
mod growth;
pub mod http;
pub mod messaging;
mod operations;
pub mod planted;
pub mod preflight;
mod service;
mod telemetry;
mod transaction;

pub use commit::{Asked, Committer, GroupCommit, Requests};
pub use config::{Chores, LogFormat, Settings};
pub use database::{SESSION_PLANS, column, list_snapshot, migrate};
pub use deadlines::{Deadlines, Sweeper};
pub use failure::Failure;
pub use growth::{Janitor, Retention, Turn};
pub use messaging::{Effect, Incoming, Reactions};
pub use service::{Api, Routes, Running, Service};
pub use transaction::Tx;
