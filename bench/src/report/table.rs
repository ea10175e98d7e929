//! The report as a table on the terminal.

use std::io::Write;

use anyhow::{Context, Result};

use super::{Figure, Machine, Outcome, Report, Unit};
use crate::stage::Durability;
use crate::targets::{Bound, TARGETS, Target, limit_of, short};

impl Report {
    /// Prints all of it on standard output; beside an earlier run, where there is one.
    pub fn print(&self, before: Option<&Self>) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(self.text(before).as_bytes()).context("nobody reads the output any more")
    }

    fn text(&self, before: Option<&Self>) -> String {
        let mut lines = self.header();
        if !self.machine.comparable || before.is_some_and(|before| !before.machine.comparable) {
            let why = "Small counts, or programs that are not optimised: nothing here says anything about speed.";
            lines.push(why.to_owned());
        }
        let was = before.map_or_else(String::new, |before| before.machine.began.format("of %m-%d %H:%M").to_string());
        let heading = |title: &str| format!("\n{title:<57} {:>8} {was:>14}", "of limit").trim_end().to_owned();
        let mut section = "";
        for figure in &self.figures {
            let (its_section, name) = figure.name.split_once('.').unwrap_or(("", &figure.name));
            if its_section != section {
                lines.push(heading(its_section));
                section = its_section;
            }
            lines.push(self.line(&format!("  {name}"), figure, before).trim_end().to_owned());
        }
        lines.push(heading("What is wanted"));
        lines.extend(TARGETS.iter().map(|target| self.judged(target, before)));
        lines.join("\n") + "\n"
    }

    fn header(&self) -> Vec<String> {
        let Machine { began, revision, services, cores, processor, memory_mb, partitions, seed, .. } = &self.machine;
        let unknown = || "unknown".to_owned();
        let gigabytes = memory_mb.map_or_else(unknown, |memory| format!("{:.0} GB", memory / 1_000.0));
        let services = services.as_ref().map_or_else(String::new, |directory| format!(", services of {directory}"));
        let mut lines = vec![
            format!(
                "{}, revision {}{services}",
                began.format("%Y-%m-%d %H:%M UTC"),
                revision.clone().unwrap_or_else(unknown)
            ),
            format!(
                "{cores} cores for everything, the load included; {}; {gigabytes}",
                processor.clone().unwrap_or_else(unknown)
            ),
        ];
        if let Some(Durability { version, fsync, synchronous_commit, full_page_writes }) = &self.postgres {
            lines.push(format!(
                "PostgreSQL {version}: fsync {fsync}, synchronous_commit {synchronous_commit}, full_page_writes {full_page_writes}; \
                 {partitions} partitions; seed {seed}"
            ));
        }
        lines
    }

    fn line(&self, name: &str, figure: &Figure, before: Option<&Self>) -> String {
        let times = |ratio: f64| format!("{ratio:.2} ×");
        let of_limit = self.ratio(figure, limit_of(&figure.name)).map_or_else(String::new, times);
        let of_before = before.and_then(|before| self.ratio_to(before, &figure.name)).map_or_else(String::new, times);
        format!("{name:<40} {:>12} {:<3} {of_limit:>8} {of_before:>14}", shown(figure.value), figure.unit.word())
    }

    /// A target and what it came to.
    fn judged(&self, target: &Target, before: Option<&Self>) -> String {
        let name = format!("  {}", target.figure);
        let figure = self.figures.iter().find(|figure| figure.name == target.figure);
        let line = figure.map_or_else(|| format!("{name:<40}"), |figure| self.line(&name, figure, before));
        let gate = if target.gate { " (gate)" } else { "" };
        format!("{line:<81}  {}{gate}: {}", self.wanted(target), self.judge(target).word())
    }

    /// `≥ 1.5 × L1, that is 4,500`.
    fn wanted(&self, target: &Target) -> String {
        let times = match target.bound {
            Bound::Least(_) | Bound::Most(_) => None,
            Bound::LeastTimes(factor, figure) => Some(format!("{factor} × {}", short(figure))),
        };
        let sign = target.bound.sign();
        match (times, self.bound(target).map(shown)) {
            (None, Some(bound)) => format!("{sign} {bound}"),
            (Some(times), Some(bound)) => format!("{sign} {times} = {bound}"),
            (Some(times), None) => format!("{sign} {times}"),
            (None, None) => String::new(),
        }
    }
}

/// As many digits as mean something.
fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000.0 => with_thousands(value),
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

fn with_thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Unit::PerSecond => "/s",
            Unit::S => "s",
            Unit::Ms => "ms",
            Unit::Mb => "MB",
            Unit::Count | Unit::Share => "",
        }
    }
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::Missed => "MISSED",
            Outcome::NotMeasured => "not measured",
            Outcome::NotComparable => "not comparable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::made_up;
    use super::*;
    use crate::targets::L1;

    #[test]
    fn numbers_are_shown_with_the_digits_that_mean_something() {
        for (value, text) in [
            (1_234_567.8, "1,234,568"),
            (-1_234.0, "-1,234"),
            (999.4, "999"),
            (12.34, "12.3"),
            (0.1, "0.100"),
            (0.0, "0"),
        ] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn a_line_shows_the_share_of_the_limit_the_target_and_the_run_before() {
        let before = made_up(&[("burst.accepted_per_s", 800.0)]);
        let now = made_up(&[("burst.accepted_per_s", 1_600.0), (L1, 1_000.0)]);
        let text = now.text(Some(&before));
        let line = |begins: &str| text.lines().find(|line| line.trim_start().starts_with(begins)).expect("its line");
        for part in ["1,600", "/s", "1.60 ×", "2.00 ×"] {
            assert!(line("accepted_per_s").contains(part), "no {part} in {text}");
        }
        for part in ["1,600", "1.60 ×", "2.00 ×", "≥ 1.5 × L1 = 1,500: met"] {
            assert!(line("burst.accepted_per_s").contains(part), "no {part} in {text}");
        }
        assert!(line("steady.saga_p99_ms").ends_with("≤ 40.0 (gate): not measured"), "{text}");
    }
}
