//! What was found, one row for each waiting order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::facts::{Facts, Item, Saga};
use super::judge::{Cause, Verdict};
use super::lags::Lags;
use crate::services::{Side, Sides};
use crate::table::Table;

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
        writeln!(f, "{}", self.table())?;
        self.write_helps(f)?;
        self.unseen.iter().try_for_each(|unseen| writeln!(f, "Not looked at: {unseen}."))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "Note: {note}."))
    }
}

impl Report {
    /// A row for each order, and below it what shows its cause.
    fn table(&self) -> Table {
        let cells: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let table = Table::of(["AGE", "ORDER", "STATUS", "DELIVERY", "CAUSE", "AT"], &cells).or("Nothing waits.");
        table.with_below(self.rows.iter().map(|row| format!("{}.", row.detail)))
    }

    fn write_helps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        let causes: BTreeSet<Cause> = self.rows.iter().map(|row| row.cause).collect();
        writeln!(f, "\nWhat helps:")?;
        causes.into_iter().try_for_each(|cause| writeln!(f, "  {}: {}", cause.name(), cause.helps()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(order_id: Uuid, cause: Cause, at: Side, detail: &str) -> Row {
        let (status, delivery) = (Some("out_for_delivery".to_owned()), Some("scheduled".to_owned()));
        let (age_s, until, overdue, detail) = (Some(3_599), None, true, detail.to_owned());
        Row { order_id, status, delivery, age_s, until, overdue, cause, at, detail, helps: cause.helps() }
    }

    #[test]
    fn each_order_keeps_its_detail_and_its_id_on_a_terminal_of_any_width() {
        let ids = [1, 2, 3].map(|number| Uuid::from_u128(0x01a2_0a66_e190_7167_9365_adb1_6eb5_ec60 + number));
        let parked = "OrderCancelled v2 is parked here as rejected, tried 4 times, next at 2026-11-23T21:54:19Z: new row \
                      for relation \"deliveries\" violates check constraint \"no_luck\"";
        let rows = vec![
            row(ids[0], Cause::CompensationFailing, Side::OrderService, "asked 5 times to cancel"),
            row(ids[1], Cause::ParkedAtThePeer, Side::DeliveryService, parked),
            row(ids[2], Cause::Late, Side::OrderService, "a person should have acted by now"),
        ];
        let report = Report { rows, ..Report::default() };
        for width in [60, 80, 110, 200] {
            let shown = report.table().in_width(width);
            assert!(shown.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{shown}");
            // What stands between an order's id and the next one is its own.
            let places = ids.map(|id| shown.find(&id.to_string()).expect("the whole id"));
            let own = [&shown[places[0]..places[1]], &shown[places[1]..places[2]], &shown[places[2]..]];
            for (own, row) in own.iter().zip(&report.rows) {
                let words: Vec<_> = own.split_whitespace().collect();
                assert!(words.join(" ").contains(&format!("{}.", row.detail)), "{width}, {}:\n{shown}", row.detail);
                assert!(own.contains(row.cause.name()) && own.contains(row.at.name()), "{width}:\n{shown}");
            }
        }
    }

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let told = [0, 59, 60, 3_661, 90_000, 864_000].map(age);
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "1 h 1 min", "1 d 1 h", "10 d 0 h"]);
    }
}
