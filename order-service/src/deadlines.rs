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
    async fn sweep(&self, tx: &mut Tx<'_>, now: DateTime<Utc>, most: i64) -> Result<usize, Failure> {
        let overdue = store::lock_overdue(tx, now, most).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let ways_back = WaysBack::look(tx, &overdue).await?;
        let saved: Vec<Saved> = overdue.into_iter().map(|order| self.pass(order, &ways_back, now)).collect();
        store::save(tx, &saved).await?;
        Ok(saved.len())
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
        let because = tell(decision.order.id, waited_for, decision.change.map(|change| change.what));
        let cause = Cause { id: because.to_owned(), trace_parent: None };
        Saved { before, decision, stamp, cause, event: None }
    }
}

/// Says what became of a deadline, and why.
fn tell(order_id: OrderId, waited_for: Option<WaitingFor>, what: Option<What>) -> &'static str {
    let waited_for = waited_for.map_or("nothing", WaitingFor::name);
    if let Some(What::DeadlineExtended(reason)) = what {
        metrics::counter!("deadlines_extended_total", "because" => reason.name()).increment(1);
        warn!(%order_id, %reason, "order {order_id} waits once more for {waited_for}: {reason}");
        return reason.name();
    }
    metrics::counter!("deadlines_passed_total", "waiting_for" => waited_for).increment(1);
    warn!(%order_id, "order {order_id} has waited too long for {waited_for}");
    "deadline"
}

/// What is known of the way to the delivery side and back.
struct WaysBack {
    held_up: HashMap<OrderId, HeldUp>,
    heard_until: Option<DateTime<Utc>>,
}

impl WaysBack {
    async fn look(tx: &mut Tx<'_>, orders: &[Order]) -> sqlx::Result<Self> {
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        let held_up = messaging::held_up(tx, &ids).await?;
        Ok(Self { held_up, heard_until: messaging::heard_until(tx, Topic::Deliveries).await? })
    }

    fn of(&self, order_id: OrderId) -> WayBack {
        let held_up = self.held_up.get(&order_id).map(|held_up| match held_up {
            HeldUp::Unsent => TooEarly::Unsent,
            HeldUp::Parked => TooEarly::Parked,
        });
        WayBack { held_up, heard_until: self.heard_until }
    }
}
