//! What waits, and why: the list that both services give in the same shape.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared_events::OrderId;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::{answer::Answer, journey::Waiting, page::Page, parameters::Parameters, problem::Problem};
use crate::{
    clock,
    messaging::{
        Lookout,
        lane::{self, Lane},
        stuck::{Cause, Wait, Which, cause, lying_here},
    },
};

/// So many orders can be asked for by their ids.
pub(super) const MOST_IDS: usize = 200;
/// A hundred years, in seconds: ids go back no further.
const OLDEST_S: i64 = 100 * 366 * 86_400;

/// Which page of what waits is asked for.
#[derive(Debug)]
pub struct StuckPage {
    page: Page<OrderId>,
    which: Which,
}

/// An order or a delivery, as its service knows it. One that waits for nothing is listed where something of it lies here.
#[derive(Debug)]
pub struct Waiter {
    /// Whose.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: &'static str,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// What it waits for.
    pub waiting_for: Option<Waiting>,
    /// Why somebody has to look at it.
    pub attention: Option<&'static str>,
    /// What the cause is judged by.
    pub wait: Wait,
}

#[derive(Debug, Serialize)]
struct StuckView {
    order_id: OrderId,
    status: Option<&'static str>,
    since: Option<DateTime<Utc>>,
    waiting_for: Option<Waiting>,
    attention: Option<&'static str>,
    cause: Cause,
    detail: String,
    lane: Lane,
}

impl StuckPage {
    /// Reads `limit`, `cursor`, `older_than_s` and `order_id`.
    ///
    /// # Errors
    /// A problem that names every invalid parameter.
    pub fn read(mut asked: Parameters) -> Result<Self, Problem> {
        let page = Page::<OrderId>::read(&mut asked);
        let older_than_s = asked.optional_integer("older_than_s", 0..=OLDEST_S);
        let among = read_orders(&mut asked);
        asked.finish()?;
        let placed_before = |s| OrderId::earliest_at(clock::now() - TimeDelta::seconds(s));
        let which = Which {
            after: page.after.unwrap_or(OrderId(Uuid::nil())),
            before: older_than_s.map_or(OrderId(Uuid::max()), placed_before),
            among,
            rows: page.rows(),
        };
        Ok(Self { page, which })
    }

    /// Which orders these are.
    #[must_use]
    pub fn which(&self) -> &Which {
        &self.which
    }

    /// The orders of which something lies here, beside those that their service lists.
    ///
    /// # Errors
    /// The database's.
    pub async fn lying_here(&self, snapshot: &mut Transaction<'_, Postgres>) -> sqlx::Result<Vec<OrderId>> {
        lying_here(snapshot, &self.which).await
    }

    /// The page: what waits, and what only lies here, by id, each with its lane and the cause.
    ///
    /// # Errors
    /// The database's.
    pub async fn answer(
        self,
        mut snapshot: Transaction<'_, Postgres>,
        lookout: &Lookout,
        waiters: Vec<Waiter>,
        lying: Vec<OrderId>,
    ) -> sqlx::Result<Answer> {
        let mut waiters: BTreeMap<OrderId, Waiter> = waiters.into_iter().map(|one| (one.order_id, one)).collect();
        let ids: BTreeSet<OrderId> = waiters.keys().copied().chain(lying).collect();
        let ids: Vec<OrderId> = ids.into_iter().take(usize::try_from(self.page.rows()).unwrap_or(usize::MAX)).collect();
        let mut lanes = lane::lanes(&mut snapshot, &ids).await?;
        // What is waited for from here on is Kafka: nothing of the database's is held meanwhile.
        snapshot.rollback().await?;
        let is_anything_unsent = lanes.values().any(|lane| lane.unsent().is_some());
        let broker_answers = !is_anything_unsent || lookout.broker_answers().await;
        let views = ids.into_iter().map(|id| {
            let (waiter, lane) = (waiters.remove(&id), lanes.remove(&id).unwrap_or_default());
            let wait = waiter.as_ref().map_or(Wait::Nothing, |waiter| waiter.wait);
            let named = cause(&lane, wait, lookout.announces_on(), broker_answers);
            StuckView::of(id, waiter, lane, named)
        });
        Ok(self.page.answer(views.collect(), |view| view.order_id))
    }
}

/// Reads the ids of several orders.
pub(super) fn read_orders(asked: &mut Parameters) -> Vec<OrderId> {
    let orders = asked.several("order_id", "the ids of orders");
    if orders.len() > MOST_IDS {
        asked.refuse("order_id", format!("has to name at most {MOST_IDS} orders"));
    }
    orders
}

impl StuckView {
    fn of(order_id: OrderId, waiter: Option<Waiter>, lane: Lane, (cause, detail): (Cause, String)) -> Self {
        let (status, since) = (waiter.as_ref().map(|one| one.status), waiter.as_ref().and_then(|one| one.since));
        let attention = waiter.as_ref().and_then(|one| one.attention);
        let waiting_for = waiter.and_then(|one| one.waiting_for);
        Self { order_id, status, since, waiting_for, attention, cause, detail, lane }
    }
}
