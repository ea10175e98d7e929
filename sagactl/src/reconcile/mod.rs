//! What was lost on its way is announced again by whoever announced it.
//!
//! Nothing is decided here: it is read ([`crate::verify`], with both topics), compared, and asked for. The owner takes what it has recorded
//! from its log, under the same id and version; where it has arrived in the meantime the second time changes nothing. Both sides alike.

mod plan;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use indicatif::ProgressBar;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::services::{Services, Side};
use crate::topics::KafkaSettings;
use crate::verify::{self, Check, Invariant, LOOK_AGAIN, Now, Report};

pub use plan::{Beyond, Outcome, Repeat};
pub use report::Reconciliation;

/// What is looked at. An answer about all orders takes all findings of each kind, so many at most.
const MOST_FINDINGS: usize = 10_000;

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// order-service's database.
    pub orders: &'a PgPool,
    /// delivery-service's database.
    pub deliveries: &'a PgPool,
    /// Both topics.
    pub topics: &'a KafkaSettings,
    /// Shows how far the reading of the topics is.
    pub progress: &'a ProgressBar,
}

/// What can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// For how many orders something is asked in one go.
    pub most_orders: usize,
    /// How long what seems to be in flight may stay as it is before it counts as lost; and how long a repeat has to arrive, since the last
    /// one that did.
    pub patience: Duration,
}

/// Looks what a repeat would heal, and asks nobody for anything.
///
/// # Errors
/// A database could not be looked at, or a topic not be read.
pub async fn rehearse(places: Places<'_>, options: Options) -> Result<Reconciliation> {
    let mut check = open(places, options).await?;
    let report = check.run().await?;
    places.progress.finish_and_clear();
    planned(&report, options)
}

/// The same, asks the owners to announce it again, and waits until it has arrived.
///
/// # Errors
/// As above; and the address of an owner is not known. Nobody has been asked for anything then.
pub async fn apply(places: Places<'_>, services: &Services, reason: &str, options: Options) -> Result<Reconciliation> {
    let mut check = open(places, options).await?;
    let report = check.run().await?;
    places.progress.finish_and_clear();
    let mut reconciliation = planned(&report, options)?;
    let owners: BTreeSet<Side> = reconciliation.repeats.iter().map(|repeat| repeat.owner).collect();
    owners.into_iter().try_for_each(|owner| services.must_have(owner))?;
    ask(services, reason, &mut reconciliation.repeats).await;
    wait(&mut check, &mut reconciliation.repeats, options.patience).await?;
    Ok(reconciliation)
}

async fn open<'a>(places: Places<'a>, options: Options) -> Result<Check<'a>> {
    let options = verify::Options { most: MOST_FINDINGS, patience: options.patience };
    Check::of_everything(places.orders, places.deliveries, places.topics, places.progress, options).await
}

fn planned(report: &Report, options: Options) -> Result<Reconciliation> {
    let listed = |invariant: Invariant| report.findings.iter().filter(|one| one.invariant == invariant).count() as u64;
    let total = |invariant: Invariant| report.violations.get(&invariant).copied().unwrap_or(0);
    // Otherwise it is not known to whom a repeat might be new a second time.
    ensure!(
        total(Invariant::I10) <= listed(Invariant::I10),
        "I10 is broken {} times: of so many it cannot be said which repeats are harmless",
        total(Invariant::I10)
    );
    let plan::Plan { repeats, beyond } = plan::plan(report, options.most_orders);
    let unlisted = report.violations.keys().map(|one| total(*one).saturating_sub(listed(*one))).sum();
    Ok(Reconciliation { repeats, beyond, unlisted })
}

/// A side that does not answer once is not asked for the others.
async fn ask(services: &Services, reason: &str, repeats: &mut [Repeat]) {
    let mut refusals: BTreeMap<Side, String> = BTreeMap::new();
    for repeat in repeats.iter_mut().filter(|repeat| repeat.outcome == Outcome::WouldBeAsked) {
        let body = json!({ "order_id": repeat.order_id, "version": repeat.version, "reason": reason });
        repeat.outcome = match refusals.get(&repeat.owner) {
            Some(why) => Outcome::NotAnnounced { why: why.clone() },
            None => match services.ask(repeat.owner, "/republications", &body).await {
                Ok(_) => Outcome::NotSent,
                Err(error) => {
                    let why = format!("{error:#}");
                    refusals.insert(repeat.owner, why.clone());
                    Outcome::NotAnnounced { why }
                }
            },
        };
    }
}

/// Looks at what was asked for until all of it has arrived, or nothing more arrives.
async fn wait(check: &mut Check<'_>, repeats: &mut [Repeat], patience: Duration) -> Result<()> {
    let mut last_arrived = Instant::now();
    loop {
        let open: Vec<&mut Repeat> = repeats.iter_mut().filter(|repeat| repeat.is_open()).collect();
        let ids: BTreeSet<Uuid> = open.iter().map(|repeat| repeat.order_id).collect();
        let before = open.len();
        if open.is_empty() || last_arrived.elapsed() >= patience {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN.min(patience)).await;
        let now = check.look_at(&ids.into_iter().collect::<Vec<_>>()).await?;
        for repeat in open {
            let Some(now) = now.get(&repeat.order_id) else { bail!("order {} was not looked at", repeat.order_id) };
            repeat.outcome = outcome(repeat, now);
        }
        if repeats.iter().filter(|repeat| repeat.is_open()).count() < before {
            last_arrived = Instant::now();
        }
    }
}

fn outcome(repeat: &Repeat, now: &Now) -> Outcome {
    let (owner, version) = (repeat.owner, repeat.version);
    let is_about_it = |again: &verify::Repeat| again.owner == owner && again.versions.contains(&version);
    if now.is_unsent(owner, version) {
        Outcome::NotSent
    } else if now.is_parked(owner, version) {
        Outcome::Parked
    } else if now.findings.iter().filter_map(|finding| finding.repeat.as_ref()).any(is_about_it) {
        Outcome::StillThere
    } else {
        Outcome::Healed
    }
}
