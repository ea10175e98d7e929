//! Which partitions the event log should have, and which it has. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::OrderId;
use uuid::Uuid;

/// How many periods after the current one have their partition ready.
const AHEAD: i64 = 2;

/// A range of orders by the time they were placed: from the first id, and below the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub from: OrderId,
    pub to: OrderId,
}

impl Period {
    /// The period as PostgreSQL writes a partition's bounds. None for the default partition, which has none.
    pub(super) fn parse(bounds: &str) -> Option<Self> {
        let (from, to) = bounds.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?.split_once(") TO (")?;
        Some(Self { from: bound(from)?, to: bound(to)? })
    }

    /// What a partition of this period is called, for people: what it holds is told by the catalogue.
    pub(super) fn partition_name(&self) -> String {
        let day = |id: OrderId| placed_at(id).format("%Y%m%d");
        format!("event_log_{}_{}", day(self.from), day(self.to))
    }

    /// What of it lies outside another one.
    fn without(self, other: &Self) -> impl Iterator<Item = Self> {
        let before = Self { from: self.from, to: self.to.min(other.from) };
        let after = Self { from: self.from.max(other.to), to: self.to };
        [before, after].into_iter().filter(|left| left.from < left.to)
    }
}

fn bound(text: &str) -> Option<OrderId> {
    match text {
        "MINVALUE" => Some(OrderId(Uuid::nil())),
        "MAXVALUE" => Some(OrderId(Uuid::max())),
        quoted => quoted.trim_matches('\'').parse().ok(),
    }
}

/// When an order of this id was placed.
pub(super) fn placed_at(id: OrderId) -> DateTime<Utc> {
    let millis = i64::try_from(id.0.as_u128() >> 80).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What no partition is there for yet, of the current period and of the next ones. Periods are counted from 1970 on, so every
/// instance finds the same ones; where another length was in force before, its partitions stay, and the gaps between them are filled.
pub(super) fn missing(now: DateTime<Utc>, days: u16, there: &[Period]) -> Vec<Period> {
    let days = i64::from(days);
    let today = now.timestamp().div_euclid(24 * 60 * 60);
    let first = today - today.rem_euclid(days);
    let begin = |n: i64| OrderId::earliest_at(DateTime::UNIX_EPOCH + TimeDelta::days(first + n * days));
    let wanted = (0..=AHEAD).map(|n| Period { from: begin(n), to: begin(n + 1) });
    wanted.flat_map(|period| gaps(period, there)).collect()
}

fn gaps(period: Period, there: &[Period]) -> Vec<Period> {
    there.iter().fold(vec![period], |gaps, other| gaps.into_iter().flat_map(|gap| gap.without(other)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")).expect("a day").to_utc()
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: OrderId::earliest_at(day(from)), to: OrderId::earliest_at(day(to)) }
    }

    #[test]
    fn the_current_period_and_the_next_two_are_wanted_and_what_is_there_is_not() {
        // 20,783 days since 1970: a whole number of weeks.
        let all = [("2026-11-26", "2026-12-03"), ("2026-12-03", "2026-12-10"), ("2026-12-10", "2026-12-17")]
            .map(|(a, b)| period(a, b));
        for now in ["2026-11-26", "2026-12-02"] {
            assert_eq!(missing(day(now), 7, &[]), all, "{now}");
        }
        assert_eq!(missing(day("2026-11-25") + TimeDelta::hours(23), 7, &[])[1], all[0]);
        assert_eq!(missing(day("2026-12-02"), 7, &all[..2]), all[2..]);
        assert_eq!(missing(day("2026-12-03"), 7, &all), [period("2026-12-17", "2026-12-24")]);
    }

    #[test]
    fn where_another_length_was_in_force_only_the_gaps_are_filled() {
        let weeks = [period("2026-11-26", "2026-12-03"), period("2026-12-03", "2026-12-10")];
        assert_eq!(missing(day("2026-12-07"), 1, &weeks), []);
        assert_eq!(
            missing(day("2026-12-09"), 1, &weeks),
            [period("2026-12-10", "2026-12-11"), period("2026-12-11", "2026-12-12")]
        );
        let days = [period("2026-11-28", "2026-11-29"), period("2026-11-29", "2026-11-30")];
        let found = missing(day("2026-11-29"), 7, &days);
        assert_eq!(found[..2], [period("2026-11-26", "2026-11-28"), period("2026-11-30", "2026-12-03")]);
        let everything_before = Period { from: OrderId(Uuid::nil()), ..period("2026-12-01", "2026-12-01") };
        assert_eq!(missing(day("2026-11-29"), 7, &[everything_before])[0], period("2026-12-01", "2026-12-03"));
    }

    #[test]
    fn bounds_are_read_as_the_catalogue_writes_them() {
        let bounds =
            "FOR VALUES FROM ('01abb7a1-fc00-0000-0000-000000000000') TO ('01abdbae-c800-0000-0000-000000000000')";
        let read = Period::parse(bounds).expect("bounds");
        assert_eq!(format!("FOR VALUES FROM ('{}') TO ('{}')", read.from, read.to), bounds);
        assert_eq!(
            Period::parse("FOR VALUES FROM (MINVALUE) TO (MAXVALUE)").map(|all| (all.from.0, all.to.0)),
            Some((Uuid::nil(), Uuid::max()))
        );
        assert_eq!(Period::parse("DEFAULT"), None);
    }

    #[test]
    fn a_partition_is_called_after_its_days() {
        assert_eq!(period("2026-11-26", "2026-12-03").partition_name(), "event_log_20261126_20261203");
        assert_eq!(placed_at(OrderId(Uuid::nil())), DateTime::UNIX_EPOCH);
    }
}
