//! What lists are narrowed to: a period, and what needs attention.

use std::str::FromStr;

use chrono::{DateTime, NaiveTime, Utc};

use super::{parameters::Parameters, texts::Day};

/// The time from one moment on until another one. What is on the list has come to be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// Its first moment, if it has one.
    pub from: Option<DateTime<Utc>>,
    /// The first moment after it, if it has an end.
    pub until: Option<DateTime<Utc>>,
}

impl Period {
    /// Reads `from` and `until`.
    pub fn read(asked: &mut Parameters) -> Self {
        let what = "a moment as 2026-12-01T08:00:00Z, or a day as 2026-12-01, which begins at midnight UTC";
        let from: Option<Moment> = asked.optional("from", what);
        let until: Option<Moment> = asked.optional("until", what);
        let period = Self { from: from.map(|moment| moment.0), until: until.map(|moment| moment.0) };
        if period.from.zip(period.until).is_some_and(|(from, until)| from >= until) {
            asked.refuse("until", "has to be later than from");
        }
        period
    }
}

/// A moment as RFC 3339 has it, or a day.
#[derive(Debug, PartialEq)]
struct Moment(DateTime<Utc>);

impl FromStr for Moment {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Day(day)) => Ok(Self(day.and_time(NaiveTime::MIN).and_utc())),
            Err(_) => DateTime::parse_from_rfc3339(text).map(|moment| Self(moment.to_utc())),
        }
    }
}

/// Whether something is flagged: at all, not, or for this cause. Written `true`, `false`, or as the cause's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flagged<C> {
    /// For whatever cause.
    Yes,
    /// For none.
    No,
    /// For this one.
    For(C),
}

impl<C: Copy> Flagged<C> {
    /// Whether there has to be a flag or must be none, where that is all that was asked.
    #[must_use]
    pub fn at_all(self) -> Option<bool> {
        match self {
            Flagged::Yes => Some(true),
            Flagged::No => Some(false),
            Flagged::For(_) => None,
        }
    }

    /// The cause that was asked for.
    #[must_use]
    pub fn cause(self) -> Option<C> {
        match self {
            Flagged::For(cause) => Some(cause),
            Flagged::Yes | Flagged::No => None,
        }
    }
}

impl<C: FromStr> FromStr for Flagged<C> {
    type Err = C::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "true" => Ok(Flagged::Yes),
            "false" => Ok(Flagged::No),
            cause => cause.parse().map(Flagged::For),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Period, String> {
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut asked = Parameters::of(given);
        let period = Period::read(&mut asked);
        match asked.finish() {
            Ok(()) => Ok(period),
            Err(problem) => Err(String::from_utf8(problem.to_json()).expect("JSON")),
        }
    }

    #[test]
    fn a_day_begins_at_midnight_and_a_moment_is_taken_as_it_is() {
        let period = read(&[("from", "2026-12-01"), ("until", "2026-12-01T02:00:00.5+01:00")]).expect("a period");
        assert_eq!(period.from.map(|at| at.to_rfc3339()).as_deref(), Some("2026-12-01T00:00:00+00:00"));
        assert_eq!(period.until.map(|at| at.to_rfc3339()).as_deref(), Some("2026-12-01T01:00:00.500+00:00"));
        assert_eq!(read(&[]), Ok(Period::default()));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for bad in [
            "",
            "today",
            "2026",
            "2026-02-30",
            "2026-12-01T08:00",
            "2026-12-01T25:00:00Z",
            "2026-12-01T08:00:00",
            "+262000-01-01T00:00:00Z",
            "1764576000",
        ] {
            for name in ["from", "until"] {
                let refused = read(&[(name, bad)]).expect_err(bad);
                assert!(refused.contains(&format!("\"parameter\":\"{name}\"")), "{refused}");
            }
        }
    }

    #[test]
    fn a_period_that_does_not_end_after_its_beginning_is_refused() {
        for (from, until) in [("2026-12-02", "2026-12-01"), ("2026-12-01", "2026-12-01T00:00:00Z")] {
            assert!(read(&[("from", from), ("until", until)]).expect_err("no period").contains("later than from"));
        }
    }

    #[test]
    fn a_flag_is_asked_for_at_all_or_by_its_cause() {
        let flagged = |text: &str| text.parse::<Flagged<i32>>().map(|flagged| (flagged.at_all(), flagged.cause()));
        assert_eq!(flagged("true"), Ok((Some(true), None)));
        assert_eq!(flagged("false"), Ok((Some(false), None)));
        assert_eq!(flagged("7"), Ok((None, Some(7))));
        assert!(flagged("yes").is_err());
    }
}
