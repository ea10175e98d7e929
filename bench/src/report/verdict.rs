//! What a run says as a whole, also by its exit status.

use std::process::ExitCode;

use super::{Outcome, Report};
use crate::options::Options;
use crate::targets::{TARGETS, Target};

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every gate holds that was to be measured.
    Held,
    /// Something failed, or a gate does not hold; the sentences.
    Failed(Vec<String>),
    /// Nothing failed, but a gate was not measured although nobody left it out; the sentences.
    Unknown(Vec<String>),
}

impl Verdict {
    /// Judges a run. Who names sections (`--only`), or wants it quick, has left gates out on purpose.
    pub fn of(report: &Report, options: &Options) -> Self {
        let gates = TARGETS.iter().filter(|target| target.gate);
        let judged: Vec<(&Target, Outcome)> = gates.map(|gate| (gate, report.judge(gate))).collect();
        let missed = judged.iter().filter(|(_, outcome)| *outcome == Outcome::Missed);
        let failed: Vec<String> =
            report.failures.iter().cloned().chain(missed.map(|(gate, _)| report.sentence(gate))).collect();
        if !failed.is_empty() {
            return Self::Failed(failed);
        }
        let unknown = judged.iter().filter(|(_, outcome)| *outcome != Outcome::Met);
        let unknown: Vec<String> =
            unknown.map(|(gate, _)| format!("{} is a gate, and was not measured.", gate.figure)).collect();
        if unknown.is_empty() || options.quick || !options.only.is_empty() {
            return Self::Held;
        }
        Self::Unknown(unknown)
    }

    /// What it says to people.
    pub fn sentences(&self) -> &[String] {
        match self {
            Verdict::Held => &[],
            Verdict::Failed(sentences) | Verdict::Unknown(sentences) => sentences,
        }
    }
}

impl Report {
    fn sentence(&self, gate: &Target) -> String {
        let (value, bound) = (self.value(gate.figure), self.bound(gate));
        let number = |number: Option<f64>| number.map_or_else(|| "?".to_owned(), |number| format!("{number:.3}"));
        format!("{} is {}, but has to be {} {}.", gate.figure, number(value), gate.bound.words(), number(bound))
    }
}

impl From<&Verdict> for ExitCode {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Held => ExitCode::SUCCESS,
            Verdict::Failed(_) => ExitCode::FAILURE,
            Verdict::Unknown(_) => ExitCode::from(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::tests::made_up;
    use super::*;
    use crate::targets::L1;

    fn options(flags: &[&str]) -> Options {
        Options::parse_from(["bench"].iter().chain(flags))
    }

    /// All gates hold.
    fn good() -> Vec<(&'static str, f64)> {
        vec![
            (L1, 1_000.0),
            ("sustained.confirmed_per_s", 1_000.0),
            ("sustained.order_service_max_rss_mb", 25.0),
            ("sustained.delivery_service_max_rss_mb", 20.0),
            ("steady.saga_p99_ms", 40.0),
            ("overload.accepted_per_peak", 0.8),
            ("overload.refused_p99_ms", 50.0),
        ]
    }

    #[test]
    fn a_run_in_which_every_gate_holds_is_good() {
        let verdict = Verdict::of(&made_up(&good()), &options(&[]));
        assert_eq!((&verdict, verdict.sentences().len()), (&Verdict::Held, 0));
    }

    #[test]
    fn each_gate_fails_the_run_and_says_so() {
        for (at, bad) in [(1, 999.0), (2, 25.1), (3, 26.0), (4, 40.1), (5, 0.79), (6, 50.1)] {
            let mut figures = good();
            figures[at].1 = bad;
            let Verdict::Failed(sentences) = Verdict::of(&made_up(&figures), &options(&["--only", "sustained,steady"]))
            else {
                panic!("{} may be {bad}", figures[at].0)
            };
            assert!(sentences.len() == 1 && sentences[0].contains(figures[at].0), "{sentences:?}");
        }
    }

    #[test]
    fn a_gate_that_was_not_measured_is_not_passed_over_in_silence() {
        for missing in 0..good().len() {
            let mut figures = good();
            figures.remove(missing);
            let report = made_up(&figures);
            assert!(matches!(Verdict::of(&report, &options(&[])), Verdict::Unknown(_)), "without {missing}");
            assert_eq!(Verdict::of(&report, &options(&["--only", "burst"])), Verdict::Held, "left out on purpose");
        }
    }

    #[test]
    fn figures_that_say_nothing_about_speed_hold_no_gate_and_miss_none() {
        let mut report = made_up(&good());
        report.figures[1].value = 1.0;
        report.machine.comparable = false;
        assert_eq!(Verdict::of(&report, &options(&["--quick"])), Verdict::Held);
        assert!(matches!(Verdict::of(&report, &options(&[])), Verdict::Unknown(_)));
    }

    #[test]
    fn a_section_that_failed_fails_the_run_whatever_else_holds() {
        let mut report = made_up(&good());
        report.failures.push("burst: nothing came back".to_owned());
        for flags in [&[][..], &["--quick"], &["--only", "burst"]] {
            let verdict = Verdict::of(&report, &options(flags));
            assert_eq!(verdict, Verdict::Failed(vec!["burst: nothing came back".to_owned()]));
        }
    }
}
