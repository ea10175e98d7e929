//! What comes of a run: figures, each with what was wanted of it.

use std::io::Write;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::targets::{Bound, TARGETS, Target};

/// What a number counts. The name of a figure ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Orders, rows, records a second.
    PerSecond,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Taken with small counts: the figures say nothing about speed.
    pub quick: bool,
    /// In the order in which they were measured.
    pub figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure. Its name begins with its section's.
    pub fn add(&mut self, name: &str, value: f64, unit: Unit) {
        self.figures.push(Figure { name: name.to_owned(), value, unit });
    }

    /// The value of a figure, if it was measured.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// What a target came to.
    pub fn judge(&self, target: &Target) -> Outcome {
        let (Some(value), Some(bound)) = (self.value(target.figure), self.bound(target)) else {
            return Outcome::NotMeasured;
        };
        let met = match target.bound {
            Bound::Least(_) | Bound::LeastTimes(..) => value >= bound,
            Bound::Most(_) => value <= bound,
        };
        match (self.quick, met) {
            (true, _) => Outcome::NotComparable,
            (false, true) => Outcome::Met,
            (false, false) => Outcome::Missed,
        }
    }

    /// The bound as a number, where what it is made of was measured.
    fn bound(&self, target: &Target) -> Option<f64> {
        match target.bound {
            Bound::Least(bound) | Bound::Most(bound) => Some(bound),
            Bound::LeastTimes(factor, figure) => Some(factor * self.value(figure)?),
        }
    }

    /// Prints all of it on standard output.
    pub fn print(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        for Figure { name, value, unit } in &self.figures {
            writeln!(out, "{name:<40} {value:>14.3} {unit:?}").context("nobody reads the output any more")?;
        }
        for target in TARGETS {
            let gate = if target.gate { "gate" } else { "" };
            writeln!(out, "{:<40} {:?} {gate}", target.figure, self.judge(target))?;
        }
        Ok(())
    }
}
