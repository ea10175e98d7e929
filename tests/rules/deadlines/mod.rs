//! Until when who waits for what: the tables of deadlines in `docs/saga.md` as data, and compared with the code.

mod delivery;
mod order;

use std::fmt;

pub use delivery::{DELIVERY_DEADLINES, TERMS as DELIVERY_TERMS};
pub use order::ORDER_DEADLINES;

/// The columns, as they are headed.
pub const COLUMNS: [&str; 2] = ["waits for", "until"];

/// A cell of either table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// By the name that it has in answers.
    Awaits(&'static str),
    Until(Until),
    Nothing,
}

/// When a wait has taken too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Outcome,
    Answer,
    Day,
    DayOrDispatch,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Awaits(what) => write!(f, "`{what}`"),
            Cell::Until(Until::Outcome) => f.write_str("placed, or put off, + `outcome-deadline-ms`"),
            Cell::Until(Until::Answer) => f.write_str("asked for the last time + `cancellation-deadline-ms`"),
            Cell::Until(Until::Day) => f.write_str("the end of the day + `late-after-ms`"),
            Cell::Until(Until::DayOrDispatch) => {
                f.write_str("the end of the day, or a later dispatch, + `late-after-ms`")
            }
            Cell::Nothing => f.write_str("–"),
        }
    }
}

const NONE: [Cell; 2] = [Cell::Nothing, Cell::Nothing];

const fn waits(what: &'static str, until: Until) -> [Cell; 2] {
    [Cell::Awaits(what), Cell::Until(until)]
}
