//! The contract between the services is what these files say, and nothing else may change it.

mod golden;
mod round_trip;
mod schema;
mod unreadable;
