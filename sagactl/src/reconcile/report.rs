//! A reconciliation as people read it.

use std::fmt;

use serde::Serialize;

use super::plan::{Beyond, Outcome, Repeat};
use crate::table::{Cell, bad, doubtful, good, table};

/// What was found, what was asked of whom, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Reconciliation {
    /// What a repeat heals.
    pub repeats: Vec<Repeat>,
    /// What no repeat heals.
    pub beyond: Vec<Beyond>,
    /// How many findings there are besides: too many to be listed.
    pub unlisted: u64,
}

impl Repeat {
    /// Whether it was asked for, and has not come to its end.
    pub(super) fn is_open(&self) -> bool {
        match self.outcome {
            Outcome::NotSent | Outcome::Parked | Outcome::StillThere => true,
            Outcome::WouldBeAsked | Outcome::NextTime | Outcome::NotAnnounced { .. } | Outcome::Healed => false,
        }
    }
}

impl Reconciliation {
    /// Whether nothing is left: nothing was found, or all of it is healed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let all_healed = self.repeats.iter().all(|repeat| repeat.outcome == Outcome::Healed);
        all_healed && self.beyond.is_empty() && self.unlisted == 0
    }

    fn write_repeats(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repeats.is_empty() {
            return writeln!(f, "There is nothing that a repeat would heal.");
        }
        let rows: Vec<_> = self.repeats.iter().map(row).collect();
        writeln!(f, "{}", table(["ORDER", "VERSION", "OWNER", "OUTCOME", "FINDING"], &rows))
    }

    fn write_beyond(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.beyond.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nNo repeat heals:")?;
        self.beyond.iter().try_for_each(|Beyond { finding, why }| writeln!(f, "  {finding}\n    {why}."))
    }
}

impl fmt::Display for Reconciliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_repeats(f)?;
        self.write_beyond(f)?;
        if self.unlisted > 0 {
            writeln!(f, "\n{} more findings are not listed: there are too many of their kind.", self.unlisted)?;
        }
        let count = |outcome: &Outcome| self.repeats.iter().filter(|repeat| repeat.outcome == *outcome).count();
        let [would, healed] = [Outcome::WouldBeAsked, Outcome::Healed].map(|outcome| count(&outcome));
        if would > 0 {
            writeln!(f, "\nNobody was asked for anything. With --apply {would} events would be announced again.")?;
        }
        if healed > 0 {
            writeln!(f, "\nHealed: {healed} of {}.", self.repeats.len())?;
        }
        Ok(())
    }
}

fn row(repeat: &Repeat) -> [Cell; 5] {
    let findings: Vec<String> =
        repeat.findings.iter().map(|finding| format!("{}: {}", finding.invariant, finding.evidence)).collect();
    [
        Cell::new(repeat.order_id),
        Cell::new(repeat.version),
        Cell::new(repeat.owner),
        shown(&repeat.outcome),
        Cell::new(findings.join("; ")),
    ]
}

fn shown(outcome: &Outcome) -> Cell {
    match outcome {
        Outcome::WouldBeAsked => doubtful("would be announced again"),
        Outcome::NextTime => doubtful("left for the next time (--most)"),
        Outcome::NotAnnounced { why } => bad(format!("was not announced: {why}")),
        Outcome::NotSent => bad("is in the outbox, and does not go out"),
        Outcome::Parked => bad("has arrived, and is parked (sagactl parked)"),
        Outcome::StillThere => bad("was announced again, and nothing changed"),
        Outcome::Healed => good("healed"),
    }
}
