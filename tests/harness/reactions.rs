//! Reactions that write down what they are given, and fail when they are told to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::anyhow;
use chassis::{Effect, Failure, Incoming, Reactions, Tx, messaging::recall::Lost};
use shared_events::{Cause, OrderId, Stamp, Version};
use sqlx::PgPool;
use uuid::Uuid;

/// Reactions that insert a row for each event into the table `applied`. Clones share what they are told.
#[derive(Debug, Clone, Default)]
pub struct TestReactions(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    rejected: HashSet<(OrderId, Version)>,
    passing: HashMap<(OrderId, Version), u32>,
    unknown: HashSet<OrderId>,
    batches: Vec<usize>,
}

/// A row of `applied`, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Applied {
    /// The order.
    pub order_id: Uuid,
    /// The event's version.
    pub version: i64,
    /// The event's id.
    pub event_id: Uuid,
}

impl TestReactions {
    /// Makes the table. It has no unique key on purpose: an event that is applied twice must show, not be refused.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn make_table(pool: &PgPool) {
        let table = "create table if not exists applied (
            at bigint generated always as identity primary key,
            order_id uuid not null, version bigint not null, event_id uuid not null)";
        sqlx::query(table).execute(pool).await.expect("the table is made");
    }

    /// Everything that was applied, in order.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn applied(pool: &PgPool) -> Vec<Applied> {
        let rows = sqlx::query_as("select order_id, version, event_id from applied order by at").fetch_all(pool).await;
        rows.expect("the table can be read")
    }

    /// From now on this event can never be applied.
    pub fn reject(&self, order_id: OrderId, version: i64) {
        self.told().rejected.insert((order_id, Version(version)));
    }

    /// The event can be applied again.
    pub fn mend(&self, order_id: OrderId, version: i64) {
        self.told().rejected.remove(&(order_id, Version(version)));
    }

    /// The next so many batches with this event fail for a reason that passes.
    pub fn fail_for_a_while(&self, order_id: OrderId, version: i64, times: u32) {
        self.told().passing.insert((order_id, Version(version)), times);
    }

    /// This service does not know the order.
    pub fn forget(&self, order_id: OrderId) {
        self.told().unknown.insert(order_id);
    }

    /// The order has appeared.
    pub fn learn(&self, order_id: OrderId) {
        self.told().unknown.remove(&order_id);
    }

    /// How many events each call was given, rolled back ones included.
    #[must_use]
    pub fn batches(&self) -> Vec<usize> {
        self.told().batches.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, events: &[Incoming]) -> Result<(), Failure> {
        let mut told = self.told();
        told.batches.push(events.len());
        let place = |event: &Incoming| (event.envelope.order_id, event.envelope.version);
        for event in events {
            if let Some(left) = told.passing.get_mut(&place(event)).filter(|left| **left > 0) {
                *left -= 1;
                return Err(Failure::Transient(anyhow!("told to fail for a while")));
            }
        }
        let unknown: Vec<_> = events.iter().map(|event| event.envelope.order_id).collect();
        let unknown: Vec<_> = unknown.into_iter().filter(|id| told.unknown.contains(id)).collect();
        if !unknown.is_empty() {
            return Err(Failure::UnknownOrders(unknown));
        }
        match events.iter().find(|event| told.rejected.contains(&place(event))) {
            Some(event) => Err(Failure::Permanent(anyhow!("told to reject version {}", event.envelope.version))),
            None => Ok(()),
        }
    }
}

impl Reactions for TestReactions {
    async fn react(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<(), Failure> {
        self.judge(events)?;
        let orders: Vec<_> = events.iter().map(|event| event.envelope.order_id.0).collect();
        let versions: Vec<_> = events.iter().map(|event| event.envelope.version.0).collect();
        let ids: Vec<_> = events.iter().map(|event| event.envelope.id.0).collect();
        let insert = "insert into applied (order_id, version, event_id)
                      select * from unnest($1::uuid[], $2::bigint[], $3::uuid[])";
        sqlx::query(insert).bind(orders).bind(versions).bind(ids).execute(&mut **tx).await?;
        Ok(())
    }

    async fn rehearse(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<Vec<Effect>, Failure> {
        self.react(tx, events).await?;
        let effect = |event: &Incoming| Effect { change: format!("applies {}", event.envelope.version), money: vec![] };
        Ok(events.iter().map(effect).collect())
    }

    async fn recall(&self, _: &mut Tx<'_>, _: &Lost) -> Result<Version, Failure> {
        Ok(Version::NONE)
    }

    async fn give_up(&self, _: &mut Tx<'_>, _: OrderId, _: Stamp, _: Cause) -> Result<bool, Failure> {
        Ok(false)
    }
}
