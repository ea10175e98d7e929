//! What comes from outside, damaged in manners that nobody has thought of.
//!
//! `cargo test` plays the corpora beside these files (`__fuzz__`), and some thousand inputs more. `scripts/fuzz` goes on from there, led by
//! what the code does with its input, and adds to the corpora what has shown something new.

mod bodies;
mod edits;
mod forms;
mod queries;
mod records;

use crate::http::{Form, Problem};
pub(crate) use edits::{Edits, INPUTS, edited};
