//! Lists in pages, continued after the last entry of the page before: whatever comes, goes or changes in between, no entry comes twice
//! and none that was there is passed over. A list that is counted off (`page=3`) could promise neither.

use http::StatusCode;
use serde::Serialize;

use super::{answer::Answer, parameters::Parameters};

/// The most entries a page can have, and how many it has unless told.
const LIMITS: std::ops::RangeInclusive<i64> = 1..=100;
const DEFAULT_LIMIT: i64 = 20;

/// Which page of a list is asked for. The cursor is the id of the last entry of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<C> {
    /// How many entries at most.
    pub limit: i64,
    /// The entry after which it begins.
    pub after: Option<C>,
}

impl<C: std::str::FromStr + ToString> Page<C> {
    /// Reads `limit` and `cursor`.
    pub fn read(asked: &mut Parameters) -> Self {
        let limit = asked.optional_integer("limit", LIMITS).unwrap_or(DEFAULT_LIMIT);
        Self { limit, after: asked.optional("cursor", "one that a page of this list gave") }
    }

    /// How many rows to ask the database for: one more than fit, which tells whether there is a next page.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The answer: `{"items": […], "next_cursor": …}`.
    #[must_use]
    pub fn answer<T: Serialize>(&self, mut items: Vec<T>, cursor_of: impl Fn(&T) -> C) -> Answer {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| cursor_of(last).to_string());
        Answer::json(StatusCode::OK, &Listed { items, next_cursor: next })
    }
}

#[derive(Serialize)]
struct Listed<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}
