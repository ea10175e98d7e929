//! The order side as a process.

fn main() {}
