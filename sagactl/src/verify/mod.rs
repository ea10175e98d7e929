//! Checks the invariants of `docs/saga.md` over both databases, and over both topics if they are told, also while the services are at
//! work.
//!
//! What one database shows alone is looked for in one snapshot of it: whatever is found is broken. What takes both is
//! looked for in two snapshots that are not of the same moment, and between them events may be in flight: such a
//! contradiction is looked at again, and counts only if it stays. As long as some of them settle, the others are given
//! time; when nothing has settled for [`Options::patience`], what is left is broken.
//!
//! The topics are read from their beginnings before the snapshots are taken, and to their ends afterwards: what a snapshot says was sent is
//! then among what was read. Whatever is looked at again is held against the new ends of the topics, and nothing is read twice.
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
//! | `published` | I8, I9, I10, I11 | the topics, alone and with both databases |

mod again;
mod agreement;
mod announced;
mod changes;
mod consumed;
mod deadlines;
mod look;
mod money;
mod places;
mod published;
mod report;
mod rule;
mod shown;
mod sides;
mod snapshot;
mod stock;
mod waiting;

use std::collections::BTreeMap;
use std::mem;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::ProgressBar;
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) use again::Now;
pub use report::{Checked, Finding, Invariant, Repeat, Report, TopicsRead, Unreadable, WaitingFor};

use self::look::{Notes, Suspects};
use self::published::Published;
use self::snapshot::Snapshot;
use crate::topics::KafkaSettings;

/// The pause between two looks at what may be in flight.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(200);
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

/// Checks what both databases show. Reads only; each database in one snapshot.
///
/// # Errors
/// A database could not be looked at: then nothing is known.
pub async fn check(orders: &PgPool, deliveries: &PgPool, options: Options) -> Result<Report> {
    Check { orders, deliveries, published: None, options, report: Report::default() }.run().await
}

/// Checks everything: what both databases show, and both topics. Shows on `progress` how far the reading of the topics is.
///
/// # Errors
/// A database could not be looked at, or a topic not be read: then nothing is known.
pub async fn check_with_topics(
    orders: &PgPool,
    deliveries: &PgPool,
    topics: &KafkaSettings,
    progress: &ProgressBar,
    options: Options,
) -> Result<Report> {
    Check::of_everything(orders, deliveries, topics, progress, options).await?.run().await
}

impl Options {
    /// A rule whose rows are all left out would seem to hold.
    fn at_least_one(self) -> usize {
        self.most.max(1)
    }
}

/// A check, and what it keeps of the topics: it can look again at what it has found.
pub(crate) struct Check<'a> {
    orders: &'a PgPool,
    deliveries: &'a PgPool,
    /// None: the topics are not looked at.
    published: Option<Published>,
    options: Options,
    report: Report,
}

impl<'a> Check<'a> {
    /// Of both databases and both topics, which are read by that.
    pub(crate) async fn of_everything(
        orders: &'a PgPool,
        deliveries: &'a PgPool,
        topics: &KafkaSettings,
        progress: &ProgressBar,
        options: Options,
    ) -> Result<Self> {
        let published = Some(Published::read(topics, progress, options.at_least_one()).await?);
        Ok(Self { orders, deliveries, published, options, report: Report::default() })
    }

    /// Checks everything.
    pub(crate) async fn run(&mut self) -> Result<Report> {
        let mut snapshot = Snapshot::take(self.orders, self.deliveries).await?;
        self.report.checked = snapshot.count().await?;
        self.read_on().await?;
        apply_rules(&mut snapshot, self.options.at_least_one(), &mut self.report).await?;
        let suspects = self.look(&mut snapshot).await?;
        snapshot.end().await?;
        let broken = self.look_again(suspects).await?;
        self.add_bounded(broken);
        self.add_published();
        self.report.findings.sort();
        Ok(mem::take(&mut self.report))
    }

    /// What was sent before the snapshot was taken is read by this, at the latest.
    async fn read_on(&mut self) -> Result<()> {
        if let Some(published) = self.published.take() {
            self.published = Some(published.go_on().await?);
        }
        Ok(())
    }

    /// Looks at every saga: tells what orders wait for, and returns what contradicts itself.
    async fn look(&mut self, snapshot: &mut Snapshot) -> Result<Suspects> {
        let mut suspects = Suspects::new();
        let mut notes = Notes::default();
        let mut after = Uuid::nil();
        loop {
            let (orders, deliveries) = snapshot.both();
            let page = sides::page_after(orders, deliveries, after).await?;
            let Some(last) = page.last() else { break };
            after = *last;
            suspects.extend(look::at(snapshot, self.published.as_mut(), &page, &mut notes).await?);
        }
        let known_to_topics_alone = self.published.as_ref().map(Published::not_looked_at).unwrap_or_default();
        for ids in known_to_topics_alone.chunks(AGAIN_AT_ONCE) {
            suspects.extend(look::at(snapshot, self.published.as_mut(), ids, &mut notes).await?);
        }
        self.report.waiting = notes.waiting;
        self.report.topics = self.published.as_ref().map(|_| TopicsRead {
            not_judged_by_topics: notes.topic_forgot,
            not_judged_by_logs: notes.log_forgot,
            ..TopicsRead::default()
        });
        Ok(suspects)
    }

    /// Looks at the suspects again and again, and returns what stays.
    async fn look_again(&mut self, mut suspects: Suspects) -> Result<Suspects> {
        let patience = self.options.patience;
        let at_first = look::count(&suspects);
        let started = Instant::now();
        let mut last_settled = Instant::now();
        while !suspects.is_empty() && last_settled.elapsed() < patience {
            tokio::time::sleep(LOOK_AGAIN.min(patience)).await;
            let before = look::count(&suspects);
            suspects = self.still_there(&suspects).await?;
            if look::count(&suspects) < before {
                last_settled = Instant::now();
            }
        }
        self.report.settled = at_first - look::count(&suspects);
        self.report.looked_again_seconds = if at_first == 0 { 0.0 } else { started.elapsed().as_secs_f64() };
        Ok(suspects)
    }

    async fn still_there(&mut self, suspects: &Suspects) -> Result<Suspects> {
        let mut snapshot = Snapshot::take(self.orders, self.deliveries).await?;
        snapshot.fix().await?;
        self.read_on().await?;
        let ids: Vec<Uuid> = suspects.keys().copied().collect();
        let mut still = Suspects::new();
        for ids in ids.chunks(AGAIN_AT_ONCE) {
            // What orders wait for was told by the first look.
            let now = look::at(&mut snapshot, self.published.as_mut(), ids, &mut Notes::default()).await?;
            still.extend(look::in_both(suspects, now));
        }
        snapshot.end().await?;
        Ok(still)
    }

    fn add_bounded(&mut self, broken: Suspects) {
        let mut by_invariant: BTreeMap<Invariant, Vec<Finding>> = BTreeMap::new();
        for finding in broken.into_values().flatten() {
            by_invariant.entry(finding.invariant).or_default().push(finding);
        }
        for mut findings in by_invariant.into_values() {
            let total = findings.len() as u64;
            findings.truncate(self.options.at_least_one());
            self.report.add(findings, total);
        }
    }

    /// What the topics show alone, and how much of them there was.
    fn add_published(&mut self) {
        let (Some(published), Some(noted)) = (&self.published, self.report.topics.take()) else { return };
        let TopicsRead { not_judged_by_topics, not_judged_by_logs, .. } = noted;
        self.report.topics = Some(TopicsRead { not_judged_by_topics, not_judged_by_logs, ..published.so_far() });
        for (findings, total) in published.final_findings() {
            self.report.add(findings, total);
        }
    }
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
