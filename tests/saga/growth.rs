//! What grows is kept for a while and no longer, and nothing goes that may still be needed.

mod at_work;
mod batches;
mod before;
mod days;
mod locks;
mod operations;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use anyhow::{Result, ensure};
use chassis::{
    Deadlines, Failure, Janitor, Retention, Turn, Tx,
    messaging::{Outgoing, announce},
};
use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{Envelope, OrderId};
use sqlx::PgPool;
use tests::{Env, PATIENCE, envelope, eventually, fresh_order, golden};
use uuid::Uuid;

/// Fourteen days in partitions of two.
const RETENTION: Retention = Retention {
    event_log: TimeDelta::days(14),
    partition_days: 2,
    parked_events: TimeDelta::days(5),
    idempotency_keys: TimeDelta::days(1),
};
/// How long a partition is for.
const PARTITION: TimeDelta = TimeDelta::days(2);

/// A service's tables in the years to come, and what its janitor may not touch.
struct Books {
    env: Env,
    pool: PgPool,
    open: Open,
}

/// The orders that are open, as the test says.
#[derive(Debug, Clone, Default)]
struct Open(Arc<Mutex<BTreeSet<OrderId>>>);

impl Open {
    fn set(&self) -> std::sync::MutexGuard<'_, BTreeSet<OrderId>> {
        self.0.lock().expect("nobody panicked with it")
    }
}

impl Deadlines for Open {
    async fn lock_overdue(
        &self,
        _: &mut Tx<'_>,
        _: DateTime<Utc>,
        _: i64,
        _: &[OrderId],
    ) -> sqlx::Result<Vec<OrderId>> {
        Ok(vec![])
    }

    async fn sweep(&self, _: &mut Tx<'_>, _: DateTime<Utc>, _: &[OrderId]) -> Result<(), Failure> {
        Ok(())
    }

    async fn oldest_open(&self, _: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
        Ok(self.set().range(from..).next().copied())
    }
}

impl Books {
    /// Order-service's tables, empty.
    async fn new(name: &str) -> Self {
        let env = Env::new(name).await;
        let migrations = order_service::service(&crate::settings::order_settings(&[])).migrations;
        let pool = env.migrated(env.orders_database(), &migrations).await;
        Self { env, pool, open: Open::default() }
    }

    fn janitor(&self) -> Janitor<Open> {
        self.janitor_with(RETENTION)
    }

    fn janitor_with(&self, retention: Retention) -> Janitor<Open> {
        Janitor::new(self.open.clone(), self.pool.clone(), retention)
    }

    /// What the janitor does at this moment, in as many turns as it takes: PostgreSQL's own vacuum may be in its way.
    async fn undisturbed(&self, janitor: &Janitor<Open>, now: DateTime<Utc>) -> Result<Turn> {
        let mut all = Turn::default();
        eventually("the janitor is not disturbed", PATIENCE, async || {
            let turn = janitor.step(now).await?;
            all.created += turn.created;
            all.moved += turn.moved;
            all.dropped += turn.dropped;
            all.events += turn.events;
            all.kept = turn.kept;
            ensure!(turn.delayed == 0, "{turn:?}");
            anyhow::Ok(())
        })
        .await;
        Ok(all)
    }

    /// Announces the first event of a new order placed at this moment. It stays unsent.
    async fn announce(&self, at: DateTime<Utc>) -> Result<Envelope> {
        let announced = event(order_placed(at), 1, at);
        self.announce_all([&announced]).await?;
        Ok(announced)
    }

    async fn announce_all(&self, events: impl IntoIterator<Item = &Envelope>) -> Result<()> {
        let outgoing: Vec<_> = events.into_iter().cloned().map(Outgoing::New).collect();
        let mut tx = Tx::from(self.pool.begin().await?);
        announce(&mut tx, &outgoing).await?;
        tx.commit().await?;
        Ok(())
    }

    /// As if the broker had acknowledged all there is, but for these orders' events.
    async fn all_sent_but(&self, unsent: &[OrderId]) -> Result<()> {
        let unsent: Vec<Uuid> = unsent.iter().map(|order| order.0).collect();
        sqlx::query("delete from outbox where not (order_id = any ($1))").bind(unsent).execute(&self.pool).await?;
        Ok(())
    }

    /// What the log has.
    async fn logged(&self) -> Result<BTreeSet<(OrderId, i64)>> {
        let rows: Vec<(Uuid, i64)> =
            sqlx::query_as("select order_id, version from event_log").fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(order, version)| (OrderId(order), version)).collect())
    }

    async fn has(&self, order: OrderId) -> Result<bool> {
        Ok(self.logged().await?.iter().any(|(logged, _)| *logged == order))
    }

    /// In which partition an order's events lie.
    async fn partition_of(&self, order: OrderId) -> Result<String> {
        let found = sqlx::query_scalar("select tableoid::regclass::text from event_log where order_id = $1");
        Ok(found.bind(order.0).fetch_one(&self.pool).await?)
    }

    async fn number(&self, query: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(&self.pool).await?)
    }

    async fn partitions(&self) -> Result<i64> {
        self.number("select count(*) from pg_inherits where inhparent = 'event_log'::regclass").await
    }
}

/// A moment of a day that is still far away: nothing of ours may depend on what day it is.
fn day(number: i64) -> DateTime<Utc> {
    let first = DateTime::parse_from_rfc3339("2040-01-01T00:00:00Z").expect("a moment").to_utc();
    first + TimeDelta::days(number)
}

/// An order that was placed at this moment and that nobody has heard of.
fn order_placed(at: DateTime<Utc>) -> OrderId {
    let rest = (1_u128 << 80) - 1;
    OrderId(Uuid::from_u128(OrderId::earliest_at(at).0.as_u128() | fresh_order().0.as_u128() & rest))
}

/// An event of that moment.
fn event(order: OrderId, version: i64, at: DateTime<Utc>) -> Envelope {
    Envelope { time: at, ..envelope(order, version, golden("OrderCompleted.v1.least")) }
}
