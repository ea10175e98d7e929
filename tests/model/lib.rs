//! The saga against everything that can go wrong between both services: exhaustively within bounds (`model`), and by chance far beyond
//! them (`simulation`). Domains, version rule and flights are those of production. Needs nothing but Rust.
//!
//! A package of its own, because it is compiled with optimisation: the other tests would take three times as long to compile, and gain nothing.

#![cfg(test)]

mod model;
mod pair;
mod simulation;

// What the rules know as well: the small shop, the tables, the dice.
#[allow(dead_code, reason = "the rules need all of it, and the model a part")]
#[path = "../rules/delivery_table.rs"]
mod delivery_table;
#[path = "../rules/dice.rs"]
mod dice;
#[allow(dead_code, reason = "the rules need all of it, and the model a part")]
#[path = "../rules/fixtures.rs"]
mod fixtures;
#[allow(dead_code, reason = "the rules need all of it, and the model a part")]
#[path = "../rules/order_table.rs"]
mod order_table;
