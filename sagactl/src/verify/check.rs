//! One check, from the first look to the report.

use std::collections::BTreeMap;
use std::mem;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use sqlx::PgPool;
use uuid::Uuid;

use super::look::{Notes, Suspects};
use super::published::Published;
use super::report::{Finding, Invariant, Report, TopicsRead};
use super::snapshot::{Database, Snapshot};
use super::sources::{NotLooked, Source};
use super::{LOOK_AGAIN, Options, alone, look, sides, sources};
use crate::services::{Side, Sides};
use crate::topics::KafkaSettings;

/// How many orders are looked at again in one go.
const AGAIN_AT_ONCE: usize = 2_000;

/// A check, and what it keeps of the topics: it can look again at what it has found.
pub(crate) struct Check<'a> {
    databases: Sides<Option<&'a PgPool>>,
    /// None: the topics are not looked at.
    pub(super) published: Option<Published>,
    options: Options,
    report: Report,
}

impl<'a> Check<'a> {
    /// Of these databases. What is missing has to be said as well: [`Check::leave_out`].
    pub(super) fn of_databases(databases: Sides<Option<&'a PgPool>>, options: Options) -> Self {
        Self { databases, published: None, options, report: Report::default() }
    }

    /// And of the topics, as far as they were read.
    pub(super) fn add_topics(&mut self, published: Published) {
        self.published = Some(published);
    }

    /// This was to be looked at, and cannot be.
    pub(super) fn leave_out(&mut self, at: Source, error: &anyhow::Error) {
        self.report.not_looked.push(NotLooked { at, because: format!("{error:#}") });
    }

    /// Of both databases and both topics, which are read by that.
    pub(crate) async fn of_everything(
        orders: &'a PgPool,
        deliveries: &'a PgPool,
        topics: &KafkaSettings,
        progress: &ProgressBar,
        options: Options,
    ) -> Result<Self> {
        let mut check = Self::of_databases(Sides { orders: Some(orders), deliveries: Some(deliveries) }, options);
        check.add_topics(Published::read(topics, progress, options.at_least_one()).await?);
        Ok(check)
    }

    /// Checks everything, or nothing.
    pub(crate) async fn run(&mut self) -> Result<Report> {
        self.as_far_as_it_goes().await?.whole()
    }

    /// Checks what can be looked at, and says what cannot.
    pub(super) async fn as_far_as_it_goes(&mut self) -> Result<Report> {
        let orders = self.counted(Side::OrderService).await;
        let deliveries = self.counted(Side::DeliveryService).await;
        self.read_on().await?;
        let (orders, deliveries) = (self.judged_alone(orders).await, self.judged_alone(deliveries).await);
        match (orders, deliveries) {
            (Some(orders), Some(deliveries)) => self.look_at_both(Snapshot { orders, deliveries }).await?,
            (Some(alone), None) | (None, Some(alone)) => alone.end().await?,
            (None, None) => {
                let why: Vec<String> = self.report.not_looked.iter().map(ToString::to_string).collect();
                bail!(why.join("; "));
            }
        }
        self.add_published();
        self.report.findings.sort();
        self.report.judged = sources::judged(self.published.is_some(), &self.report.not_looked);
        Ok(mem::take(&mut self.report))
    }

    /// A snapshot of this side's database, with all that is in it counted.
    async fn counted(&mut self, side: Side) -> Option<Database> {
        let pool = (*self.databases.of(side))?;
        let looked = async {
            let mut database = Database::take(pool, side).await?;
            let counted = database.count().await?;
            anyhow::Ok((database, counted))
        };
        match looked.await {
            Ok((database, counted)) => {
                self.report.checked += counted;
                Some(database)
            }
            Err(error) => {
                self.leave_out(side.into(), &error);
                None
            }
        }
    }

    /// The same database, if its own rules could be applied.
    async fn judged_alone(&mut self, database: Option<Database>) -> Option<Database> {
        let mut database = database?;
        match alone::apply_rules(&mut database, self.options.at_least_one(), &mut self.report).await {
            Ok(()) => Some(database),
            Err(error) => {
                self.leave_out(database.side().into(), &error);
                None
            }
        }
    }

    async fn look_at_both(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let suspects = self.look(&mut snapshot).await?;
        snapshot.end().await?;
        let started = Instant::now();
        let broken = self.look_again(suspects).await?;
        self.add_bounded(broken, started.elapsed());
        Ok(())
    }

    /// Both databases as they are now.
    pub(super) async fn both_databases(&self) -> Result<Snapshot> {
        match (self.databases.orders, self.databases.deliveries) {
            (Some(orders), Some(deliveries)) => Snapshot::take(orders, deliveries).await,
            (None, _) | (_, None) => bail!("it takes both databases to look again"),
        }
    }

    /// What was sent before the snapshot was taken is read by this, at the latest.
    pub(super) async fn read_on(&mut self) -> Result<()> {
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
        let mut snapshot = self.both_databases().await?;
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

    fn add_bounded(&mut self, broken: Suspects, looked_again: Duration) {
        let for_ms = u64::try_from(looked_again.as_millis()).unwrap_or(u64::MAX);
        let mut by_invariant: BTreeMap<Invariant, Vec<Finding>> = BTreeMap::new();
        for finding in broken.into_values().flatten() {
            by_invariant.entry(finding.invariant).or_default().push(finding.looked_again(for_ms));
        }
        for mut findings in by_invariant.into_values() {
            let total = findings.len() as u64;
            findings.truncate(self.options.at_least_one());
            self.report.add(findings, total);
        }
    }

    /// What the topics show alone, and how much of them there was.
    fn add_published(&mut self) {
        let Some(published) = &self.published else { return };
        let noted = self.report.topics.take().unwrap_or_default();
        let TopicsRead { not_judged_by_topics, not_judged_by_logs, .. } = noted;
        self.report.topics = Some(TopicsRead { not_judged_by_topics, not_judged_by_logs, ..published.so_far() });
        for (findings, total) in published.final_findings() {
            self.report.add(findings, total);
        }
    }
}
