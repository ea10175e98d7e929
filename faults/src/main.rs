//! `cargo faults`: breaks the running pair on purpose, by a plan that is drawn from a seed, and audits what is left of it.
//!
//! Read in this order: `profile.rs` (how much), `plan.rs` (what, and when), `strike.rs` (how), `load` (meanwhile), `audit.rs` (afterwards).

mod archive;
mod audit;
mod broker;
mod dice;
mod disk;
mod fault;
mod ground;
mod hostile;
mod listening;
mod load;
mod options;
mod plan;
mod profile;
mod recovery;
mod report;
mod strike;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use devstack::{Progress, binaries, binaries_with, wait_until};
use tokio::task::JoinHandle;

use crate::audit::{Evidence, Finding, Seen};
use crate::fault::{Fault, Side};
use crate::ground::Ground;
use crate::load::journal::{Journal, Line};
use crate::load::{Client, Pulse};
use crate::options::Options;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::report::{Judged, Report};
use crate::strike::{Bite, strike};

/// How long after the last heal all has to be as it must be.
const AT_REST_WITHIN: Duration = Duration::from_secs(30);
/// How long is waited for it in any case, to be able to say how late it was.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse_from(std::env::args_os().filter(|arg| arg != "--"));
    match run(&options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> Result<ExitCode> {
    if !options.merge.is_empty() {
        return report::merge(&options.merge)?.shown(options.report.as_deref());
    }
    let profile = options.profile.profile().part(options.part.which, options.part.of);
    let plan = Plan::drawn(&profile, options.seed, options.part.which);
    println!("The plan of {}:\n{}", options.name(), plan.shown());
    if options.plan {
        return Ok(ExitCode::SUCCESS);
    }
    let usual = || PathBuf::from(format!("target/faults/{}", options.name()));
    let kept = options.keep.clone().unwrap_or_else(usual);
    std::fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
    let report = play(options, &profile, &plan, &kept.canonicalize()?).await?;
    let code = report.shown(options.report.as_deref())?;
    println!("The journal and the logs are in {}.", kept.display());
    Ok(code)
}

async fn play(options: &Options, profile: &Profile, plan: &Plan, kept: &Path) -> Result<Report> {
    let progress = Progress::shown();
    let bug = options.planted();
    let binaries = if options.bug.is_some() || profile.crashes > 0 {
        binaries_with("planted-bugs", Path::new("target/faults/planted"), &progress).await?
    } else {
        binaries(&progress).await?
    };
    let mut ground = Ground::prepare(&binaries, profile.brokers, bug, kept, &progress).await?;
    let addresses = Side::BOTH.map(|side| ground.addresses(side));
    load::fill(&addresses[0][0], &addresses[1][0]).await?;
    let file = kept.join("journal.jsonl");
    let client = Client::new(addresses, Arc::new(Journal::create(&file)?))?;
    let pulse = client.pulse.clone();
    let began = Instant::now();
    let load = tokio::spawn(load::run(client, options.seed, profile.orders_per_s, profile.orders));
    let mut struck = all_strikes(&mut ground, plan, &pulse).await?;
    let (customers, healed) = end(load, &pulse, profile.orders).await?;
    // Nobody has to wait for long for what a planted bug has lost.
    let patience = if bug.is_some() { AT_REST_WITHIN } else { GIVEN_UP_AFTER };
    let verdict = judge(&ground, &Journal::read(&file)?, healed, patience).await?;
    let mut findings = verdict.findings;
    findings.push(recovery::written_down(&mut struck.bites, struck.watches).await);
    findings.extend(ground.clear().await?);
    Ok(Report {
        profile: options.profile,
        seed: options.seed,
        part: (options.part.of > 1).then_some((options.part.which, options.part.of)),
        bug: options.bug.clone(),
        customers,
        seen: verdict.seen,
        took_s: began.elapsed().as_secs(),
        at_rest_ms: verdict.at_rest_ms,
        in_time: verdict.came_to_rest && Duration::from_millis(verdict.at_rest_ms) <= AT_REST_WITHIN,
        left_out: struck.left_out,
        bites: struck.bites,
        findings: findings.into_iter().map(Judged::from).collect(),
    })
}

/// Lets the last customers go. Answers how many there were, and since when nothing keeps the pair from coming to rest.
async fn end(load: JoinHandle<Result<u64>>, pulse: &Pulse, orders: u64) -> Result<(u64, Instant)> {
    let mut healed = Instant::now();
    pulse.ends();
    while !load.is_finished() && pulse.accepted.load(Ordering::Relaxed) < orders {
        // Customers still come, because there were too few: it is not the pair that takes this time.
        tokio::time::sleep(Duration::from_millis(50)).await;
        healed = Instant::now();
    }
    Ok((load.await.context("the load broke down")??, healed))
}

struct Verdict {
    findings: Vec<Finding>,
    seen: Seen,
    came_to_rest: bool,
    at_rest_ms: u64,
}

/// What is on its way between the two sides stands in neither database: so the audit itself says when it has arrived.
async fn judge(ground: &Ground, journal: &[Line], healed: Instant, patience: Duration) -> Result<Verdict> {
    let evidence = Evidence {
        journal,
        databases: Side::BOTH.map(|side| ground.pool(side)),
        bootstrap: ground.kafka.bootstrap(),
        archive: &ground.archive,
    };
    let clean = wait_until(patience, async || {
        let (findings, _) = evidence.stored().await?;
        Ok(findings.iter().all(|finding| finding.violations.is_empty()).then_some(()))
    });
    let came_to_rest = clean.await?.is_some();
    let at_rest_ms = u64::try_from(healed.elapsed().as_millis())?;
    let (findings, seen) = evidence.audit().await?;
    Ok(Verdict { findings, seen, came_to_rest, at_rest_ms })
}

/// What was done, who watches how the pair recovers from each of it, and what could not be done.
#[derive(Default)]
struct Struck {
    bites: Vec<Bite>,
    watches: Vec<JoinHandle<u64>>,
    left_out: Vec<Fault>,
}

async fn all_strikes(ground: &mut Ground, plan: &Plan, pulse: &Pulse) -> Result<Struck> {
    let mut struck = Struck::default();
    for (at, step) in plan.steps.iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(step.after_ms)).await;
        if ground.disk.is_none() && matches!(step.fault, Fault::DiskFull { .. }) {
            eprintln!("  no disk is filled: only root can make a small one");
            struck.left_out.push(step.fault.clone());
            continue;
        }
        let (bite, watch) = strike(ground, &step.fault, pulse).await.with_context(|| format!("{:?}", step.fault))?;
        eprintln!("  {:>3}/{} {} ({} ms)", at + 1, plan.steps.len(), step.fault.kind(), bite.took_ms);
        struck.bites.push(bite);
        struck.watches.push(watch);
    }
    Ok(struck)
}
