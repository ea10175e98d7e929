//! Events that could not be published: each waits alone with its order, and is tried again later.

use std::{collections::HashMap, time::Duration};

use shared_events::OrderId;
use tokio::time::Instant;

/// How many orders may rest before the relay stops looking for others: by then it is Kafka that is ill, not the events.
const MOST: usize = 1_000;
/// An event that could not be published is tried again after 1 s × 2ⁿ, at most this.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Rest {
    until: Instant,
    tries: u32,
}

/// The orders that rest.
#[derive(Debug, Default)]
pub(super) struct Rests(HashMap<OrderId, Rest>);

impl Rests {
    /// An event that cannot be published waits, alone with its own order. It is never dropped.
    pub fn begin(&mut self, order_id: OrderId, error: &str) {
        let tries = self.0.get(&order_id).map_or(0, |rest| rest.tries);
        let wait = Duration::from_secs(1 << tries.min(6)).min(LONGEST);
        self.0.insert(order_id, Rest { until: Instant::now() + wait, tries: tries + 1 });
        metrics::counter!("outbox_refused_total").increment(1);
        tracing::error!(%order_id, tries, "an event of order {order_id} could not be published, trying again in {wait:?}: {error}");
    }

    /// It has been published.
    pub fn end(&mut self, order_id: OrderId) {
        self.0.remove(&order_id);
    }

    /// The orders that are to be left alone for now.
    pub fn asleep(&self) -> impl Iterator<Item = OrderId> {
        let now = Instant::now();
        self.0.iter().filter(move |(_, rest)| rest.until > now).map(|(order_id, _)| *order_id)
    }

    pub fn are_too_many(&self) -> bool {
        self.0.len() >= MOST && self.asleep().count() >= MOST
    }
}
