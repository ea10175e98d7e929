//! Deliveries that are late: load → decide → save.

use chassis::{Deadlines, Failure, Tx, clock};
use chrono::{DateTime, Utc};
use shared_events::{Cause, OrderId, Stamp};
use tracing::warn;

use crate::domain::Terms;
use crate::store::{self, Changes, Made, Origin, Stored};

/// Looks after what was promised.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryDeadlines {
    /// How late is late.
    pub terms: Terms,
}

impl Deadlines for DeliveryDeadlines {
    async fn sweep(&self, tx: &mut Tx<'_>, now: DateTime<Utc>, most: i64) -> Result<usize, Failure> {
        let overdue = store::lock_overdue(tx, now, most).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let made: Vec<Made> = overdue.into_iter().map(|stored| self.flag(stored, now)).collect();
        let swept = made.len();
        store::save(tx, &Changes { made, ..Changes::default() }).await?;
        Ok(swept)
    }

    async fn oldest_open(&self, tx: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
        store::oldest_open(tx, from).await
    }
}

impl DeliveryDeadlines {
    fn flag(&self, stored: Stored, now: DateTime<Utc>) -> Made {
        let Stored { delivery, changes } = stored;
        if let Some(late) = delivery.waiting_for() {
            let (order_id, late) = (delivery.order_id, late.name());
            warn!(%order_id, "{late} of order {order_id} is late");
            metrics::counter!("deadlines_passed_total", "waiting_for" => late).increment(1);
        }
        let decision = delivery.overdue(Stamp { at: now, ..clock::stamp() }).due(&self.terms);
        let cause = Cause { id: "deadline".to_owned(), trace_parent: None };
        Made { decision, number: changes + 1, origin: Origin::Deadline, cause }
    }
}
