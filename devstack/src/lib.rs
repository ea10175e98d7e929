//! Starts PostgreSQL, Kafka and both services on this machine, for the demo and for the tests.
//!
//! What is given is used (`DATABASE_URL`, `KAFKA_BOOTSTRAP_SERVERS`); what is missing is started from what the machine
//! has (PostgreSQL's own binaries, Java and Maven). Nothing is left behind, also when
//! we are killed: every child has a guardian (`guardian.rs`).
//!
//! Read in this order: [`Stack`] (everything wired together), [`Postgres`], [`Kafka`], [`ServiceProcess`].

#![allow(clippy::disallowed_methods, reason = "names of runs and passwords: nothing that a service decides by")]

mod binaries;
mod cache;
mod command;
mod guarded;
mod guardian;
mod kafka;
mod keys;
mod port;
mod postgres;
mod progress;
mod service;
mod stack;
mod waiting;

pub use binaries::{Binaries, binaries, binaries_with};
pub use kafka::{Kafka, KafkaOptions};
pub use keys::{ALL_SCOPES, DevelopmentKeys, SigningKey, TOKEN_AUDIENCE, TOKEN_ISSUER};
pub use port::free_port;
pub use postgres::{Postgres, Shutdown};
pub use progress::{Progress, Step};
pub use service::{ServiceProcess, ServiceSettings};
pub use stack::{DELIVERY_SERVICE_PORT, ORDER_SERVICE_PORT, Ports, Stack, StackOptions};
pub use waiting::wait_until;

/// What the environment says of a server that is there already. Empty is as good as unset: that is how a shell or a
/// compose file leaves something out.
fn given(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Some(value),
        Ok(_) | Err(_) => None,
    }
}
