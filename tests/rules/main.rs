//! The rules of the saga and of the code. Needs nothing but Rust, and runs in seconds.

mod access;
mod architecture;
mod deadlines;
mod delivery_attempts;
mod delivery_cells;
mod delivery_lives;
mod delivery_table;
mod dice;
mod document;
mod fixtures;
mod order_cells;
mod order_lives;
mod order_table;
mod outlook;
mod quotes;
mod version_rule;
