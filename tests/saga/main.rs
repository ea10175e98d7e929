//! The saga on a real PostgreSQL and a real Kafka, which the harness starts once for all of these tests.
//!
//! One binary on purpose: one server, one broker, and every test has its own databases and topics on them. Tests that stop
//! a server have their own ([`tests::Env::apart`]), so that no test waits for another.

#![allow(clippy::disallowed_methods, reason = "a test may make ids as it likes")]

mod access;
mod admission;
mod bad_input;
mod chores;
mod commit;
mod consumer;
mod deadlines;
mod families;
mod growth;
mod harness;
mod inbox;
mod manners;
mod operations;
mod outages;
mod preflight;
mod reactions;
mod reconcile;
mod relay;
mod routes;
mod settings;
mod sound;
mod stage;
mod stories;
mod stuck;
mod topics;
mod verify;
