//! Orders that have waited too long: load → decide → save.

use std::collections::HashMap;

use chassis::{
    Deadlines, Failure, Tx, clock,
    messaging::{self, HeldUp},
};
use chrono::{DateTime, Utc};
use shared_events::{Cause, OrderId, Stamp, Topic};
use tracing::warn;

use crate::{
    domain::{Order, Terms, TooEarly, WaitingFor, WayBack, What},
    store::{self, Saved},
};

/// Looks after what orders wait for.
#[derive(Debug, Clone, Copy)]
pub struct OrderDeadlines {
    /// How long each wait may take.
    pub terms: Terms,
}

impl Deadlines for OrderDeadlines {
    async fn lock_overdue(
        &self,
        tx: &mut Tx<'_>,
        now: DateTime<Utc>,
        most: i64,
        but: &[OrderId],
    ) -> sqlx::Result<Vec<OrderId>> {
        store::lock_overdue(tx, now, most, but).await
    }

    async fn sweep(&self, tx: &mut Tx<'_>, now: DateTime<Utc>, overdue: &[OrderId]) -> Result<(), Failure> {
        let ways_back = WaysBack::look(tx, overdue).await?;
        let orders = store::lock_orders(tx, overdue).await?;
        let saved: Vec<Saved> = orders.into_values().map(|order| self.pass(order, &ways_back, now)).collect();
        store::save(tx, &saved, &[]).await?;
        // What has no line in the history is not saved with the others, and would be overdue for ever.
        let put_off = saved.iter().map(|one| &one.decision).filter(|decision| decision.change.is_none());
        store::put_off(tx, &put_off.map(|decision| &decision.order).collect::<Vec<_>>()).await?;
        Ok(())
    }

    async fn oldest_open(&self, tx: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
        store::oldest_open(tx, from).await
    }
}

impl OrderDeadlines {
    fn pass(&self, order: Order, ways_back: &WaysBack, now: DateTime<Utc>) -> Saved {
        let (before, waited_for) = (Some(order.status), order.waiting_for());
        let stamp = Stamp { at: now, ..clock::stamp() };
        let way_back = ways_back.of(order.id);
        let decision = order.overdue(way_back, &self.terms, stamp).due(&self.terms);
        let put_off = match decision.change.map(|change| change.what) {
            Some(What::DeadlineExtended(reason)) => Some(reason),
            Some(
                What::DeadlinePassed | What::Placed | What::CancellationAsked(_) | What::Event(_) | What::Recalled,
            ) => None,
            None => way_back.held_up,
        };
        tell(decision.order.id, waited_for, put_off);
        let cause = Cause { id: put_off.map_or("deadline", TooEarly::name).to_owned(), trace_parent: None };
        Saved { before, decision, stamp, cause, event: None }
    }
}

/// Says and counts what became of a deadline. Before the commit: a batch that is rolled back says so twice.
fn tell(order_id: OrderId, waited_for: Option<WaitingFor>, put_off: Option<TooEarly>) {
    let waited_for = waited_for.map_or("nothing", WaitingFor::name);
    match put_off {
        Some(reason) => {
            metrics::counter!("deadlines_extended_total", "because" => reason.name()).increment(1);
            warn!(%order_id, %reason, "order {order_id} waits once more for {waited_for}: {reason}");
        }
        None => {
            metrics::counter!("deadlines_passed_total", "waiting_for" => waited_for).increment(1);
            warn!(%order_id, "order {order_id} has waited too long for {waited_for}");
        }
    }
}

/// What is known of the way to the delivery side and back.
struct WaysBack {
    held_up: HashMap<OrderId, HeldUp>,
    heard: Option<OrderId>,
}

impl WaysBack {
    async fn look(tx: &mut Tx<'_>, orders: &[OrderId]) -> sqlx::Result<Self> {
        let held_up = messaging::held_up(tx, orders).await?;
        Ok(Self { held_up, heard: messaging::heard_until(tx, Topic::Deliveries).await? })
    }

    fn of(&self, order_id: OrderId) -> WayBack {
        let held_up = self.held_up.get(&order_id).map(|held_up| match held_up {
            HeldUp::Unsent => TooEarly::Unsent,
            HeldUp::Parked => TooEarly::Parked,
        });
        WayBack { held_up, heard: self.heard }
    }
}
