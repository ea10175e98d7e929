//! What came of a run.

use std::collections::BTreeMap;
use std::process::ExitCode;

use comfy_table::Table;
use serde::Serialize;

use crate::audit::{Finding, Seen};
use crate::strike::Bite;

/// How many contradictions of one sentence are shown.
const SHOWN: usize = 5;

#[derive(Debug, Serialize)]
pub struct Report {
    pub profile: &'static str,
    pub seed: u64,
    /// Of a part of a profile: which of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<(u64, u64)>,
    /// What was planted, if anything was.
    pub bug: Option<String>,
    pub customers: u64,
    pub seen: Seen,
    pub took_s: u64,
    /// From the last heal until nothing was on its way any more.
    pub at_rest_ms: u64,
    pub in_time: bool,
    pub bites: Vec<Bite>,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn print(&self) {
        let mut faults = Table::new();
        faults.set_header(["fault", "times", "bit", "hits", "requests in flight", "under way", "passing failures"]);
        for (kind, bites) in self.by_kind() {
            let sum = |of: fn(&Bite) -> i64| bites.iter().map(|bite| of(bite)).sum::<i64>().to_string();
            faults.add_row([
                kind.to_owned(),
                bites.len().to_string(),
                bites.iter().filter(|bite| bite.bit()).count().to_string(),
                bites.iter().filter_map(|bite| bite.hits).sum::<u64>().to_string(),
                sum(|bite| bite.requests_in_flight),
                sum(|bite| bite.under_way),
                sum(|bite| i64::try_from(bite.passing_failures).unwrap_or(i64::MAX)),
            ]);
        }
        println!("{faults}");
        let mut findings = Table::new();
        findings.set_header(["invariant", "what it says", "violations"]);
        for finding in &self.findings {
            findings.add_row([finding.name, finding.says, &finding.violations.len().to_string()]);
        }
        println!("{findings}");
        for finding in &self.findings {
            for violation in finding.violations.iter().take(SHOWN) {
                println!("  {}: {violation}", finding.name);
            }
        }
        println!("{:?}", self.seen);
        println!(
            "{} customers in {} s; at rest {} ms after the last heal.",
            self.customers, self.took_s, self.at_rest_ms
        );
    }

    /// 0 when all holds, 1 when something does not, 2 when the faults did nothing.
    pub fn exit_code(&self) -> ExitCode {
        if !self.in_time || self.findings.iter().any(|finding| !finding.violations.is_empty()) {
            return ExitCode::from(1);
        }
        let vacuous = self.by_kind().values().any(|bites| !bites.iter().any(|bite| bite.bit()));
        if vacuous || self.seen.acknowledged == 0 { ExitCode::from(2) } else { ExitCode::SUCCESS }
    }

    fn by_kind(&self) -> BTreeMap<&'static str, Vec<&Bite>> {
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for bite in &self.bites {
            kinds.entry(bite.fault.kind()).or_default().push(bite);
        }
        kinds
    }
}
