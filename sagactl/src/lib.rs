//! The operator's command. What it checks is a library, so that tests can check the same.

pub mod verify;
