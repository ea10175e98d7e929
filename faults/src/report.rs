//! What came of a run.

mod merged;
mod totals;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use comfy_table::Table;
use serde::{Deserialize, Serialize};

pub use self::merged::merge;
use self::totals::Totals;
use crate::audit::{Finding, Seen};
use crate::fault::{Fault, Side};
use crate::profile::{Name, Profile};
use crate::strike::Bite;

/// How many contradictions of one sentence are shown.
const SHOWN: usize = 5;

#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub profile: Name,
    pub seed: u64,
    /// Of a part of a profile: which of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<(u64, u64)>,
    /// What was planted, if anything was.
    pub bug: Option<String>,
    pub customers: u64,
    pub seen: Seen,
    pub took_s: u64,
    /// From the last heal until nothing was on its way any more.
    pub at_rest_ms: u64,
    pub in_time: bool,
    /// What could not be done on this machine.
    pub left_out: Vec<Fault>,
    pub bites: Vec<Bite>,
    pub findings: Vec<Judged>,
}

/// One sentence that must be true, and everything that contradicts it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Judged {
    pub name: String,
    pub says: String,
    pub violations: Vec<String>,
}

impl From<Finding> for Judged {
    fn from(finding: Finding) -> Self {
        Self { name: finding.name.to_owned(), says: finding.says.to_owned(), violations: finding.violations }
    }
}

impl Report {
    pub fn print(&self) {
        println!("{}", self.faults());
        let mut findings = Table::new();
        findings.set_header(["invariant", "what it says", "violations"]);
        for finding in &self.findings {
            findings.add_row([&finding.name, &finding.says, &finding.violations.len().to_string()]);
        }
        println!("{findings}");
        for finding in &self.findings {
            for violation in finding.violations.iter().take(SHOWN) {
                println!("  {}: {violation}", finding.name);
            }
        }
        println!("{:?}", self.seen);
        println!("{}", Totals::met_by(self).against(&self.promised()));
        for bite in self.bites.iter().filter(|bite| matches!(bite.fault, Fault::Flood { .. })) {
            println!("{} poison records at once: all parked after {} ms.", bite.hits.unwrap_or(0), bite.took_ms);
        }
        for fault in &self.left_out {
            println!("Left out, because only root can do it: {fault:?}");
        }
        for vacuous in self.vacuous() {
            println!("Never met anything that it could hit: {vacuous}");
        }
        println!(
            "{} customers in {} s; at rest {} ms after the last heal.",
            self.customers, self.took_s, self.at_rest_ms
        );
    }

    fn faults(&self) -> Table {
        let mut table = Table::new();
        table.set_header([
            "fault",
            "times",
            "bit",
            "hits",
            "requests begun",
            "in flight, most",
            "under way, most",
            "passing failures",
            "ms until healed, median",
            "ms until recovered, median",
            "most",
        ]);
        for (kind, bites) in self.by_kind() {
            let sum = |of: fn(&Bite) -> u64| bites.iter().map(|bite| of(bite)).sum::<u64>().to_string();
            let most = |of: fn(&Bite) -> i64| bites.iter().map(|bite| of(bite)).max().unwrap_or(0).to_string();
            let recovered = || bites.iter().filter_map(|bite| bite.recovered_ms).collect::<Vec<_>>();
            table.add_row([
                kind.to_owned(),
                bites.len().to_string(),
                bites.iter().filter(|bite| bite.bit()).count().to_string(),
                counted(&bites),
                sum(|bite| bite.felt.requests_begun),
                most(|bite| bite.felt.requests_in_flight),
                most(|bite| bite.felt.under_way),
                sum(|bite| bite.felt.passing_failures),
                median(bites.iter().map(|bite| bite.took_ms).collect()),
                median(recovered()),
                recovered().into_iter().max().map_or_else(String::new, |most| most.to_string()),
            ]);
        }
        table
    }

    /// 0 when all holds, 1 when something does not, 2 when the run was less than it should have been.
    pub fn exit_code(&self) -> ExitCode {
        if !self.in_time || self.findings.iter().any(|finding| !finding.violations.is_empty()) {
            return ExitCode::from(1);
        }
        let is_short = !Totals::met_by(self).covers(&self.promised());
        let is_less = is_short || !self.left_out.is_empty() || !self.vacuous().is_empty();
        if is_less { ExitCode::from(2) } else { ExitCode::SUCCESS }
    }

    /// Prints it, and writes it where it is wanted.
    pub fn shown(&self, file: Option<&std::path::Path>) -> Result<ExitCode> {
        self.print();
        if let Some(file) = file {
            std::fs::write(file, serde_json::to_string_pretty(self)?)?;
        }
        Ok(self.exit_code())
    }

    fn promised(&self) -> Totals {
        let (which, of) = self.part.unwrap_or((1, 1));
        Totals::promised_by(&self.profile.profile().part(which, of))
    }

    /// The faults that did nothing, however often they were tried; a point at which a process ends is another one on the other side.
    fn vacuous(&self) -> Vec<String> {
        let mut bit: BTreeMap<(&str, Option<Side>), bool> = BTreeMap::new();
        for bite in &self.bites {
            let side = bite.fault.side().filter(|_| matches!(bite.fault, Fault::CrashAt { .. }));
            *bit.entry((bite.fault.kind(), side)).or_default() |= bite.bit();
        }
        let vacuous = bit.into_iter().filter(|(_, bit)| !bit);
        vacuous
            .map(|((kind, side), _)| side.map_or(kind.to_owned(), |side| format!("{kind}: {}", side.service())))
            .collect()
    }

    fn by_kind(&self) -> BTreeMap<&'static str, Vec<&Bite>> {
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for bite in &self.bites {
            kinds.entry(bite.fault.kind()).or_default().push(bite);
        }
        kinds
    }
}

/// Nothing where nobody can count.
fn counted(bites: &[&Bite]) -> String {
    let hits: Option<u64> = bites.iter().map(|bite| bite.hits).sum();
    hits.map_or_else(String::new, |hits| hits.to_string())
}

fn median(mut all: Vec<u64>) -> String {
    all.sort_unstable();
    all.get(all.len() / 2).map_or_else(String::new, u64::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Point;
    use crate::plan::Plan;
    use crate::strike::Felt;

    fn report(bites: Vec<Bite>) -> Report {
        Report {
            profile: Name::Crashes,
            seed: 7,
            part: None,
            bug: None,
            customers: 2_000,
            seen: Seen { acknowledged: 2_000, ..Seen::default() },
            took_s: 100,
            at_rest_ms: 1_000,
            in_time: true,
            left_out: Vec::new(),
            bites,
            findings: Vec::new(),
        }
    }

    fn ends(report: &Report) -> String {
        format!("{:?}", report.exit_code())
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let all =
            [Name::Ci, Name::Full, Name::Crashes, Name::Cluster].map(|name| Plan::drawn(&name.profile(), 7, 1).steps);
        let written = report(all.concat().into_iter().map(|step| Bite::of(step.fault, Some(3))).collect());
        let text = serde_json::to_string(&written).expect("a report is JSON");
        let read: Report = serde_json::from_str(&text).expect("and read again");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }

    #[test]
    fn a_point_that_only_one_side_came_to_makes_the_run_less_than_it_should_be() {
        let crash = |side, hits| Bite::of(Fault::CrashAt { side, point: Point::Claimed, pass: 1 }, Some(hits));
        let both = report(vec![crash(Side::Orders, 1), crash(Side::Deliveries, 0), crash(Side::Deliveries, 2)]);
        assert_eq!(ends(&both), format!("{:?}", ExitCode::SUCCESS));
        let one = report(vec![crash(Side::Orders, 1), crash(Side::Deliveries, 0)]);
        assert_eq!(ends(&one), format!("{:?}", ExitCode::from(2)));
        assert_eq!(one.vacuous(), ["crash after the claim: delivery-service"]);
    }

    #[test]
    fn what_was_left_out_and_orders_that_did_not_come_make_a_run_less_too() {
        let left_out = Report { left_out: vec![Fault::DiskFull { for_ms: 1 }], ..report(Vec::new()) };
        let few = Report { seen: Seen { acknowledged: 1_499, ..Seen::default() }, ..report(Vec::new()) };
        for less in [left_out, few] {
            assert_eq!(ends(&less), format!("{:?}", ExitCode::from(2)));
        }
    }

    #[test]
    fn an_instance_that_was_idle_was_not_hit_however_much_was_asked_of_the_others() {
        let mut bite = Bite::of(Fault::ServiceKilled { side: Side::Orders, instance: 0, down_ms: 50 }, Some(0));
        bite.felt = Felt { requests_begun: 50, under_way: 3, ..Felt::default() };
        assert!(!bite.bit());
        let broker = Bite { hits: None, ..bite };
        assert!(broker.bit());
    }
}
