//! Checks the invariants of `docs/saga.md` over both databases, also while the services are at work.
//!
//! What one database shows alone is looked for in one snapshot of it: whatever is found is broken. What takes both is
//! looked for in two snapshots that are not of the same moment, and between them events may be in flight: such a
//! contradiction is looked at again, and counts only if it stays. As long as some of them settle, the others are given
//! time; when nothing has settled for [`Options::patience`], what is left is broken.
//!
//! | module | invariants | shown by |
//! |---|---|---|
//! | `money` | I2, I3, I4 (refunds) | order-service |
//! | `stock` | I5 | order-service |
//! | `places` | I6 | delivery-service |
//! | `consumed` | I7 | delivery-service |
//! | `changes` | I10 | each |
//! | `announced` | I11 | each |
//! | `agreement` | I4, I7, I11 | both together |
//! | `deadlines` | I1 | each |
//! | `waiting` | I1 | both together |

mod agreement;
mod announced;
mod changes;
mod consumed;
mod deadlines;
mod money;
mod places;
mod report;
mod rule;
mod sides;
mod snapshot;
mod stock;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::PgPool;
use uuid::Uuid;

pub use report::{Checked, Finding, Invariant, Report, WaitingFor};

use self::snapshot::Snapshot;
use self::waiting::Standing;

/// The pause between two looks at what may be in flight.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How many orders are looked at again in one go.
const AGAIN_AT_ONCE: usize = 2_000;

/// What can be chosen for a check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many violations of each kind are reported; all are counted.
    pub most: usize,
    /// How long contradictions between the databases may stay as they are before they count as broken. A consumer that
    /// was killed is back in less than this.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { most: 20, patience: Duration::from_secs(15) }
    }
}

/// What may be in flight, by order.
type Suspects = BTreeMap<Uuid, BTreeSet<Finding>>;

/// Checks everything. Reads only; each database in one snapshot.
///
/// # Errors
/// A database could not be looked at: then nothing is known.
pub async fn check(orders: &PgPool, deliveries: &PgPool, options: Options) -> Result<Report> {
    let mut snapshot = Snapshot::take(orders, deliveries).await?;
    let mut report = Report { checked: snapshot.count().await?, ..Report::default() };
    // One at least: a rule whose rows are all left out would seem to hold.
    let most = options.most.max(1);
    apply_rules(&mut snapshot, most, &mut report).await?;
    let suspects = look(&mut snapshot, &mut report).await?;
    snapshot.end().await?;
    let broken = look_again(orders, deliveries, suspects, options.patience, &mut report).await?;
    add_bounded(&mut report, broken, most);
    report.findings.sort();
    Ok(report)
}

/// What each database shows alone.
async fn apply_rules(snapshot: &mut Snapshot, most: usize, report: &mut Report) -> Result<()> {
    let (orders, deliveries) = snapshot.both();
    let of_orders = money::RULES.into_iter().chain(stock::RULES);
    let of_orders = of_orders.chain(deadlines::of_orders());
    for rule in of_orders.chain(changes::of_orders()).chain(announced::of_orders()) {
        let (findings, total) = rule.broken(orders, most).await?;
        report.add(findings, total);
    }
    let of_deliveries = places::RULES.into_iter().chain(consumed::RULES);
    let of_deliveries = of_deliveries.chain(deadlines::of_deliveries());
    for rule in of_deliveries.chain(changes::of_deliveries()).chain(announced::of_deliveries()) {
        let (findings, total) = rule.broken(deliveries, most).await?;
        report.add(findings, total);
    }
    Ok(())
}

/// Looks at every saga: tells what orders wait for, and returns what contradicts itself.
async fn look(snapshot: &mut Snapshot, report: &mut Report) -> Result<Suspects> {
    let mut suspects = Suspects::new();
    let mut after = Uuid::nil();
    let (orders, deliveries) = snapshot.both();
    loop {
        let page = sides::page_after(orders, deliveries, after).await?;
        let Some(last) = page.last() else { return Ok(suspects) };
        after = *last;
        for saga in sides::sagas(orders, deliveries, &page).await? {
            let found = examine(&saga, &mut report.waiting);
            if !found.is_empty() {
                suspects.insert(saga.order_id, found);
            }
        }
    }
}

fn examine(saga: &sides::Saga, waiting: &mut BTreeMap<WaitingFor, u64>) -> BTreeSet<Finding> {
    let mut found: BTreeSet<Finding> = agreement::contradictions(saga).into_iter().collect();
    match waiting::standing(saga) {
        None | Some(Standing::Ended) => {}
        Some(Standing::Waiting(cause)) => *waiting.entry(cause).or_default() += 1,
        Some(Standing::Stuck(finding)) => {
            found.insert(finding);
        }
    }
    found
}

/// Looks at the suspects again and again, and returns what stays.
async fn look_again(
    orders: &PgPool,
    deliveries: &PgPool,
    mut suspects: Suspects,
    patience: Duration,
    report: &mut Report,
) -> Result<Suspects> {
    let at_first = count(&suspects);
    let started = Instant::now();
    let mut last_settled = Instant::now();
    while !suspects.is_empty() && last_settled.elapsed() < patience {
        tokio::time::sleep(LOOK_AGAIN.min(patience)).await;
        let before = count(&suspects);
        suspects = still_there(orders, deliveries, &suspects).await?;
        if count(&suspects) < before {
            last_settled = Instant::now();
        }
    }
    report.settled = at_first - count(&suspects);
    report.looked_again_seconds = if at_first == 0 { 0.0 } else { started.elapsed().as_secs_f64() };
    Ok(suspects)
}

fn count(suspects: &Suspects) -> usize {
    suspects.values().map(BTreeSet::len).sum()
}

async fn still_there(orders: &PgPool, deliveries: &PgPool, suspects: &Suspects) -> Result<Suspects> {
    let mut snapshot = Snapshot::take(orders, deliveries).await?;
    let (here, there) = snapshot.both();
    let ids: Vec<Uuid> = suspects.keys().copied().collect();
    let mut still = Suspects::new();
    for ids in ids.chunks(AGAIN_AT_ONCE) {
        for saga in sides::sagas(here, there, ids).await? {
            // What orders wait for was told by the first look.
            let now = examine(&saga, &mut BTreeMap::new());
            let both: BTreeSet<Finding> = suspects[&saga.order_id].intersection(&now).cloned().collect();
            if !both.is_empty() {
                still.insert(saga.order_id, both);
            }
        }
    }
    snapshot.end().await?;
    Ok(still)
}

fn add_bounded(report: &mut Report, broken: Suspects, most: usize) {
    let mut by_invariant: BTreeMap<Invariant, Vec<Finding>> = BTreeMap::new();
    for finding in broken.into_values().flatten() {
        by_invariant.entry(finding.invariant).or_default().push(finding);
    }
    for mut findings in by_invariant.into_values() {
        let total = findings.len() as u64;
        findings.truncate(most);
        report.add(findings, total);
    }
}
