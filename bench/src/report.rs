//! What comes of a run: figures, each with what was wanted of it.

mod file;
mod machine;
mod series;
mod table;
mod verdict;

use serde::{Deserialize, Serialize};

pub use self::machine::Machine;
pub use self::series::Series;
pub use self::verdict::Verdict;
use crate::options::Options;
use crate::stage::Durability;
use crate::targets::{Bound, Target};

/// What a number counts. The name of a figure ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Orders, rows, records a second.
    PerSecond,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Megabytes: 1,000,000 bytes.
    Mb,
    /// A number of something.
    Count,
    /// A part of one.
    Share,
}

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// `section.what_it_is`: the same from run to run.
    pub name: String,
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
}

/// What a figure turned out to be beside its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As wanted.
    Met,
    /// Not as wanted.
    Missed,
    /// The figure, or the one it is measured by, is not there.
    NotMeasured,
    /// It is there, but it was taken with small counts or an unoptimised build.
    NotComparable,
}

/// All figures of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Where and how they were taken.
    pub machine: Machine,
    /// The server that was measured; none before the first section that has one.
    pub postgres: Option<Durability>,
    /// In the order in which they were measured.
    pub figures: Vec<Figure>,
    /// What changed over time.
    pub series: Vec<Series>,
    /// Sections that came to no end, each with the reason.
    pub failures: Vec<String>,
}

impl Report {
    /// Nothing is measured yet.
    pub fn new(options: &Options) -> Self {
        let machine = Machine::of(options);
        Self { machine, postgres: None, figures: Vec::new(), series: Vec::new(), failures: Vec::new() }
    }

    /// Adds a figure. Its name begins with its section's.
    pub fn add(&mut self, name: &str, value: f64, unit: Unit) {
        self.figures.push(Figure { name: name.to_owned(), value, unit });
    }

    /// The value of a figure, if it was measured.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// What a target came to. What is no number meets nothing.
    pub fn judge(&self, target: &Target) -> Outcome {
        let (Some(value), Some(bound)) = (self.value(target.figure), self.bound(target)) else {
            return Outcome::NotMeasured;
        };
        let met = match target.bound {
            Bound::Least(_) | Bound::LeastTimes(..) => value >= bound,
            Bound::Most(_) => value <= bound,
        };
        match (self.machine.comparable, met) {
            (false, _) => Outcome::NotComparable,
            (true, true) => Outcome::Met,
            (true, false) => Outcome::Missed,
        }
    }

    /// The bound as a number, where what it is made of was measured.
    fn bound(&self, target: &Target) -> Option<f64> {
        match target.bound {
            Bound::Least(bound) | Bound::Most(bound) => Some(bound),
            Bound::LeastTimes(factor, figure) => Some(factor * self.value(figure)?),
        }
    }

    /// How many times a figure that limits it a figure is, where there is one.
    fn ratio(&self, figure: &Figure, limit: Option<&str>) -> Option<f64> {
        Some(figure.value / self.value(limit?)?)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::targets::{L1, TARGETS};

    /// A report of a made-up run that could be compared.
    pub fn made_up(figures: &[(&str, f64)]) -> Report {
        let machine = Machine { comparable: true, ..Machine::default() };
        let mut report =
            Report { machine, postgres: None, figures: Vec::new(), series: Vec::new(), failures: Vec::new() };
        for (name, value) in figures {
            report.add(name, *value, Unit::PerSecond);
        }
        report
    }

    fn judged(bound: Bound, figures: &[(&str, f64)]) -> Outcome {
        made_up(figures).judge(&Target { figure: "x", bound, gate: false })
    }

    #[test]
    fn at_least_at_most_and_so_many_times_mean_what_they_say() {
        for (bound, value, met) in [
            (Bound::Least(10.0), 10.0, true),
            (Bound::Least(10.0), 9.9, false),
            (Bound::Most(10.0), 10.0, true),
            (Bound::Most(10.0), 10.1, false),
            (Bound::LeastTimes(1.5, L1), 300.0, true),
            (Bound::LeastTimes(1.5, L1), 299.0, false),
            (Bound::Most(10.0), f64::NAN, false),
            (Bound::Least(10.0), f64::NAN, false),
        ] {
            let expected = if met { Outcome::Met } else { Outcome::Missed };
            assert_eq!(judged(bound, &[("x", value), (L1, 200.0)]), expected, "{bound:?} and {value}");
        }
    }

    #[test]
    fn without_the_figure_or_its_limit_nothing_was_measured() {
        assert_eq!(judged(Bound::Least(1.0), &[("y", 2.0)]), Outcome::NotMeasured);
        assert_eq!(judged(Bound::LeastTimes(1.0, L1), &[("x", 2.0)]), Outcome::NotMeasured);
    }

    #[test]
    fn what_cannot_be_compared_is_neither_met_nor_missed() {
        let mut report = made_up(&[("x", 1.0)]);
        report.machine.comparable = false;
        let target = Target { figure: "x", bound: Bound::Least(2.0), gate: true };
        assert_eq!(report.judge(&target), Outcome::NotComparable);
    }

    #[test]
    fn no_figure_has_two_targets() {
        let mut names: Vec<&str> = TARGETS.iter().map(|target| target.figure).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
