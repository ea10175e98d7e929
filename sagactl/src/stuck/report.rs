//! What was found, one row for each waiting order.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::facts::{Facts, Item, Saga};
use super::judge::{Cause, Verdict};
use super::lags::Lags;
use crate::services::{Side, Sides};
use crate::table::table;

/// Everything that waits.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// One for each order, those first of which somebody should know first.
    pub rows: Vec<Row>,
    /// What could not be looked at.
    pub unseen: Vec<String>,
    /// What is not known beside that, and what would help.
    pub notes: Vec<String>,
}

/// One waiting order.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which one.
    pub order_id: Uuid,
    /// Where it stands.
    pub status: Option<String>,
    /// Where its delivery stands, as far as it waits or something of it lies there.
    pub delivery: Option<String>,
    /// How long it has waited in this status, in seconds.
    pub age_s: Option<i64>,
    /// Until when it may.
    pub until: Option<DateTime<Utc>>,
    /// Whether that has passed, it is flagged, or nothing will ever end it.
    pub overdue: bool,
    /// The one thing that holds it up.
    pub cause: Cause,
    /// Where.
    pub at: Side,
    /// What shows it.
    pub detail: String,
    /// What helps.
    pub helps: &'static str,
}

impl Report {
    pub(super) fn of(facts: Facts, verdicts: BTreeMap<Uuid, Verdict>, lags: &Lags, now: DateTime<Utc>) -> Self {
        let row = |(id, verdict)| Some(Row::of(id, facts.sagas.get(&id)?, verdict, now));
        let mut rows: Vec<Row> = verdicts.into_iter().filter_map(row).collect();
        rows.sort_by_key(|row| (!row.overdue, row.cause, row.order_id));
        let unseen = facts.unseen.values().cloned().collect();
        Self { rows, unseen, notes: notes(facts.more, lags) }
    }

    /// Whether anything has waited too long.
    #[must_use]
    pub fn is_anything_overdue(&self) -> bool {
        self.rows.iter().any(|row| row.overdue)
    }

    /// Whether both sides could be looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unseen.is_empty()
    }
}

fn notes(more: bool, lags: &Lags) -> Vec<String> {
    let mut notes = Vec::new();
    if more {
        notes.push("there is more than was looked at: see --most".to_owned());
    }
    for side in Side::BOTH {
        let lag = lags.0.of(side);
        if let Some(unknown) = &lag.unknown {
            notes.push(format!("how far {side} has come is not known: {unknown}"));
        } else if lag.by_partition.len() < lag.partitions {
            let (known, all) = (lag.by_partition.len(), lag.partitions);
            notes.push(format!(
                "of {side} one instance was asked, which reads {known} of {all} partitions: say --kafka"
            ));
        }
    }
    notes
}

impl Row {
    fn of(order_id: Uuid, saga: &Saga, verdict: Verdict, now: DateTime<Utc>) -> Self {
        let Sides { orders, deliveries } = &saga.items;
        let items = || [orders, deliveries].into_iter().flatten();
        let status = |item: &Option<Item>| item.as_ref().and_then(|item| item.status.clone());
        let until = items().find_map(|item| item.waiting_for.as_ref()?.until);
        let is_flagged = items().any(|item| item.attention.is_some());
        let has_no_end = verdict.cause == Cause::Lost || (until.is_none() && verdict.cause == Cause::Parked);
        Self {
            order_id,
            status: status(orders),
            delivery: status(deliveries),
            age_s: items().find_map(|item| item.since).map(|since| (now - since).max(TimeDelta::zero()).num_seconds()),
            until,
            overdue: is_flagged || has_no_end || until.is_some_and(|until| until < now),
            cause: verdict.cause,
            at: verdict.at,
            detail: verdict.detail,
            helps: verdict.cause.helps(),
        }
    }

    fn cells(&self) -> [String; 6] {
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            self.age_s.map_or_else(|| "-".to_owned(), age),
            self.order_id.to_string(),
            dash(&self.status),
            dash(&self.delivery),
            if self.overdue { format!("{} (overdue)", self.cause.name()) } else { self.cause.name().to_owned() },
            self.at.to_string(),
        ]
    }
}

/// `3 d 4 h`, `5 h 7 min`, `12 min 3 s`, `8 s`.
fn age(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let shown = units.iter().skip(first).take(2).map(|(unit, name)| {
        let count = left / unit;
        left %= unit;
        format!("{count} {name}")
    });
    shown.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            writeln!(f, "Nothing waits.")?;
        } else {
            self.write_rows(f)?;
        }
        self.unseen.iter().try_for_each(|unseen| writeln!(f, "Not looked at: {unseen}."))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "Note: {note}."))
    }
}

impl Report {
    /// The table, and below each line what shows it.
    fn write_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let table = table(["AGE", "ORDER", "STATUS", "DELIVERY", "CAUSE", "AT"], &cells);
        let mut lines = table.lines();
        writeln!(f, "{}", lines.next().unwrap_or_default())?;
        for (line, row) in lines.zip(&self.rows) {
            writeln!(f, "{line}\n    {}.", row.detail)?;
        }
        let mut causes: Vec<Cause> = self.rows.iter().map(|row| row.cause).collect();
        causes.sort();
        causes.dedup();
        writeln!(f, "\nWhat helps:")?;
        causes.into_iter().try_for_each(|cause| writeln!(f, "  {}: {}", cause.name(), cause.helps()))
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let told = [0, 59, 60, 3_661, 90_000, 864_000].map(age);
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "1 h 1 min", "1 d 1 h", "10 d 0 h"]);
    }
}
