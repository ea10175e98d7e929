//! What can be said on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, ensure};
use clap::{Parser, builder::PossibleValuesParser};

use crate::profile::Name;

/// What plants nothing, in services that could have a bug.
const NONE: &str = "none";
/// The auditor shares no code with the services: it reads there what their bugs are called.
const PLANTED: &str = include_str!("../../chassis/src/planted.rs");

fn bugs() -> impl Iterator<Item = &'static str> {
    let of_bugs = PLANTED.split("\nimpl Point").next().into_iter();
    let names =
        of_bugs.flat_map(|text| text.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")));
    names.chain([NONE])
}

/// Breaks the running pair on purpose, and audits what is left of it.
#[derive(Debug, Parser)]
#[command(name = "cargo faults --", bin_name = "cargo faults --", version)]
pub struct Options {
    /// How much is broken
    #[arg(long, value_enum, default_value_t = Name::Smoke)]
    pub profile: Name,
    /// What the plan, the orders and the customers are drawn from: the same seed, the same plan
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Where the report goes, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where the journal and the services' logs are kept [default: target/faults/PROFILE-SEED]
    #[arg(long, value_name = "DIRECTORY")]
    pub keep: Option<PathBuf>,
    /// Only this part of the profile, with a plan of its own: `2/6` is the second of six
    #[arg(long, value_name = "PART/PARTS", default_value = "1/1")]
    pub part: Part,
    /// Plant this bug in both services: the run has to notice (docs/faults.md says what they are). With `none`, the same build without one
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(bugs()))]
    pub bug: Option<String>,
    /// Run nothing: make one report of those of all parts, and say whether they are together what the profile promises
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["keep", "part", "bug", "plan"])]
    pub merge: Vec<PathBuf>,
    /// Print the plan and do nothing
    #[arg(long)]
    pub plan: bool,
}

impl Options {
    /// The bug that is planted, if one is.
    pub fn planted(&self) -> Option<&str> {
        self.bug.as_deref().filter(|bug| *bug != NONE)
    }

    /// What this run is called: in its report, and where it keeps what it keeps.
    pub fn name(&self) -> String {
        let Part { which, of } = self.part;
        let part = if of == 1 { String::new() } else { format!("-{which}-of-{of}") };
        let bug = self.bug.iter().map(|bug| format!("-{bug}")).collect::<String>();
        format!("{}-{}{part}{bug}", self.profile.text(), self.seed)
    }
}

/// A part of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Counted from 1.
    pub which: u64,
    pub of: u64,
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (which, of) = text.split_once('/').context("a part is written as 2/6")?;
        let part = Self { which: which.parse()?, of: of.parse()? };
        ensure!((1..=part.of).contains(&part.which), "there is no part {text}");
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(bug: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["faults", "--bug", bug])
    }

    #[test]
    fn a_bug_that_nobody_has_written_is_refused_at_once() {
        assert!(bugs().count() > 10, "their names are found");
        assert_eq!(asked("no-claim").expect("it is one").planted(), Some("no-claim"));
        assert_eq!(asked("none").expect("the control run").planted(), None);
        for misspelt in ["no-clam", "after-commit", ""] {
            let error = asked(misspelt).expect_err("it is none");
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("no-claim"), "the names are said: {error}");
        }
    }
}
