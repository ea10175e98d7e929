//! One report of all parts of a profile.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::{Judged, Report};
use crate::audit::Seen;

/// Reads the reports of all parts, and makes one of them.
pub fn merge(files: &[PathBuf]) -> Result<Report> {
    let read = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))
    };
    merged(files.iter().map(read).collect::<Result<_>>()?)
}

fn merged(mut parts: Vec<Report>) -> Result<Report> {
    parts.sort_by_key(|part| part.part);
    all_are_there(&parts)?;
    let mut parts = parts.into_iter();
    let mut whole = parts.next().context("there is no part")?;
    for finding in std::mem::take(&mut whole.findings) {
        add(&mut whole.findings, finding, 1);
    }
    for (part, number) in parts.zip(2..) {
        whole.customers += part.customers;
        whole.seen = together(whole.seen, part.seen);
        whole.took_s += part.took_s;
        whole.at_rest_ms = whole.at_rest_ms.max(part.at_rest_ms);
        whole.in_time &= part.in_time;
        whole.left_out.extend(part.left_out);
        whole.bites.extend(part.bites);
        for finding in part.findings {
            add(&mut whole.findings, finding, number);
        }
    }
    whole.part = None;
    Ok(whole)
}

/// Each part of one profile, by one seed, and none of them twice.
fn all_are_there(parts: &[Report]) -> Result<()> {
    let first = parts.first().context("there is no part")?;
    let (_, of) = first.part.context("a report is not one of a part")?;
    for part in parts {
        ensure!((part.profile, part.seed) == (first.profile, first.seed), "these are parts of different runs");
        ensure!(part.bug.is_none(), "a part was run with a planted bug");
        ensure!(part.part.is_some_and(|(_, parts)| parts == of), "these are not parts of {of}");
    }
    let there: BTreeSet<u64> = parts.iter().filter_map(|part| part.part).map(|(which, _)| which).collect();
    let missing: Vec<u64> = (1..=of).filter(|which| !there.contains(which)).collect();
    ensure!(missing.is_empty(), "parts {missing:?} of {of} are missing");
    ensure!(parts.len() == there.len(), "a part is there twice");
    Ok(())
}

/// The same sentence is said once, whatever contradicts it where.
fn add(all: &mut Vec<Judged>, finding: Judged, part: u64) {
    let violations = finding.violations.into_iter().map(|violation| format!("part {part}: {violation}")).collect();
    match all.iter_mut().find(|there| (&there.name, &there.says) == (&finding.name, &finding.says)) {
        Some(there) => there.violations.extend::<Vec<_>>(violations),
        None => all.push(Judged { violations, ..finding }),
    }
}

fn together(one: Seen, other: Seen) -> Seen {
    Seen {
        requests: one.requests + other.requests,
        acknowledged: one.acknowledged + other.acknowledged,
        commands: one.commands + other.commands,
        refused: one.refused + other.refused,
        open: one.open + other.open,
        orders: one.orders + other.orders,
        deliveries: one.deliveries + other.deliveries,
        poison: one.poison + other.poison,
        published: one.published + other.published,
        repeats: one.repeats + other.repeats,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Name;

    fn part(which: u64, of: u64) -> Report {
        let violations = vec![format!("found in {which}")];
        let finding = Judged { name: "I1".to_owned(), says: "all is well".to_owned(), violations };
        Report {
            profile: Name::Full,
            seed: 7,
            part: Some((which, of)),
            bug: None,
            customers: 10,
            seen: Seen { acknowledged: 9, ..Seen::default() },
            took_s: 100,
            at_rest_ms: 1_000 * which,
            in_time: true,
            left_out: Vec::new(),
            bites: Vec::new(),
            findings: vec![finding],
        }
    }

    #[test]
    fn parts_add_up_and_each_sentence_is_judged_once() {
        let whole = merged(vec![part(2, 2), part(1, 2)]).expect("both parts");
        assert_eq!((whole.customers, whole.seen.acknowledged, whole.took_s, whole.at_rest_ms), (20, 18, 200, 2_000));
        assert_eq!(whole.part, None);
        assert_eq!(whole.findings.len(), 1);
        assert_eq!(whole.findings[0].violations, ["part 1: found in 1", "part 2: found in 2"]);
    }

    #[test]
    fn what_is_not_all_of_one_run_is_refused() {
        let other = |change: fn(&mut Report)| {
            let mut report = part(2, 2);
            change(&mut report);
            merged(vec![part(1, 2), report]).is_err()
        };
        assert!(merged(vec![]).is_err());
        assert!(merged(vec![part(1, 2)]).is_err(), "one is missing");
        assert!(merged(vec![part(1, 2), part(2, 2), part(2, 2)]).is_err(), "one is there twice");
        assert!(other(|report| report.seed = 8));
        assert!(other(|report| report.profile = Name::Ci));
        assert!(other(|report| report.bug = Some("no-claim".to_owned())));
        assert!(other(|report| report.part = Some((2, 3))));
        assert!(other(|report| report.part = None));
    }
}
