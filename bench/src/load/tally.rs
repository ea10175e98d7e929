//! What came back from a load.

use std::time::Duration;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

use super::connection::Answer;
use super::requests::Asked;

/// A minute, in microseconds: nothing waits longer.
const LONGEST_US: u64 = 60_000_000;
/// A refusal that does not say when to come back.
const COME_BACK: Duration = Duration::from_secs(1);

const CREATED: u16 = 201;
const UNAVAILABLE: u16 = 503;

/// Answers counted, and how long they took.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Orders that were accepted, all of them.
    pub accepted: u64,
    /// Of these, how many after the time was up that the load is counted by.
    pub late: u64,
    /// 503: come back later.
    pub refused: u64,
    /// Accepted by one who waited for the outcome, but answered without it.
    pub undecided: u64,
    /// By how much time `accepted` is divided.
    pub took: Duration,
    times_us: Histogram<u64>,
    refusals_us: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let times_us = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds that fit together");
        let refusals_us = times_us.clone();
        Self { accepted: 0, late: 0, refused: 0, undecided: 0, took: Duration::ZERO, times_us, refusals_us }
    }

    /// Counts an answer. Refused, it says when to come back.
    ///
    /// # Errors
    /// For every other answer: the orders of this load are in order, so something is wrong.
    pub(super) fn note(&mut self, answer: &Answer<'_>, asked: Asked, took: Duration) -> Result<Option<Duration>> {
        match answer.status {
            CREATED => {
                self.accepted += 1;
                let decided = asked == Asked::Plain || has(answer.body, br#""status":"confirmed""#);
                self.undecided += u64::from(!decided);
                self.times_us.saturating_record(u64::try_from(took.as_micros())?);
                Ok(None)
            }
            UNAVAILABLE => {
                self.refused += 1;
                self.refusals_us.saturating_record(u64::try_from(took.as_micros())?);
                Ok(Some(answer.retry_after_s.map_or(COME_BACK, Duration::from_secs)))
            }
            status => bail!("an order was answered {status}: {}", String::from_utf8_lossy(answer.body)),
        }
    }

    /// The last one came after the time was up.
    pub(super) fn last_was_late(&mut self, accepted: bool) {
        self.late += u64::from(accepted);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.late += other.late;
        self.refused += other.refused;
        self.undecided += other.undecided;
        self.times_us.add(&other.times_us).expect("the same bounds");
        self.refusals_us.add(&other.refusals_us).expect("the same bounds");
    }

    /// Orders accepted a second.
    pub fn accepted_per_s(&self) -> f64 {
        (self.accepted - self.late) as f64 / self.took.as_secs_f64()
    }

    /// How long they took on the average, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        self.times_us.mean() / 1_000.0
    }

    /// How long so many of 100 refusals took at most, in milliseconds.
    pub fn refusals_percentile_ms(&self, percent: f64) -> f64 {
        self.refusals_us.value_at_percentile(percent) as f64 / 1_000.0
    }

    /// How long so many of 100 took at most, in milliseconds.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        self.times_us.value_at_percentile(percent) as f64 / 1_000.0
    }
}

fn has(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|part| part == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &[u8]) -> Answer<'_> {
        Answer { status, retry_after_s: (status == UNAVAILABLE).then_some(5), body }
    }

    #[test]
    fn half_are_below_the_middle_and_one_of_100_above_the_99th() {
        let mut tally = Tally::new();
        for ms in 1..=1_000 {
            let noted = tally.note(&answer(CREATED, b""), Asked::Plain, Duration::from_millis(ms)).unwrap();
            assert_eq!(noted, None);
        }
        for (percent, ms) in [(50.0, 500.0), (95.0, 950.0), (99.0, 990.0), (100.0, 1_000.0)] {
            let is = tally.percentile_ms(percent);
            assert!((is - ms).abs() <= ms / 500.0, "{percent}: {is} instead of {ms}");
        }
        assert!((tally.mean_ms() - 500.5).abs() <= 1.0, "{}", tally.mean_ms());
    }

    #[test]
    fn a_refusal_is_no_order_and_has_a_time_of_its_own() {
        let mut tally = Tally::new();
        let wait = tally.note(&answer(UNAVAILABLE, b""), Asked::Plain, Duration::from_secs(9)).unwrap();
        assert_eq!(wait, Some(Duration::from_secs(5)));
        tally.note(&answer(CREATED, b""), Asked::Plain, Duration::from_millis(2)).unwrap();
        assert_eq!((tally.accepted, tally.refused), (1, 1));
        assert!(tally.percentile_ms(100.0) < 2.1, "{}", tally.percentile_ms(100.0));
        assert!(tally.refusals_percentile_ms(100.0) >= 9_000.0, "{}", tally.refusals_percentile_ms(100.0));
        assert!(tally.note(&answer(422, b"{}"), Asked::Plain, Duration::ZERO).is_err());
    }

    #[test]
    fn who_waited_and_got_no_outcome_is_counted() {
        let mut tally = Tally::new();
        for body in [br#"{"status":"confirmed"}"#.as_slice(), br#"{"status":"completed"}"#] {
            tally.note(&answer(CREATED, body), Asked::Waiting(10), Duration::ZERO).unwrap();
        }
        assert_eq!((tally.accepted, tally.undecided), (2, 1));
    }

    #[test]
    fn what_comes_late_is_there_but_not_in_the_rate() {
        let mut tally = Tally::new();
        for _ in 0..3 {
            tally.note(&answer(CREATED, b""), Asked::Plain, Duration::ZERO).unwrap();
        }
        tally.last_was_late(true);
        tally.last_was_late(false);
        tally.took = Duration::from_secs(2);
        assert_eq!((tally.accepted, tally.late, tally.accepted_per_s()), (3, 1, 1.0));
    }
}
