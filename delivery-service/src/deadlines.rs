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
        let overdue = store::lock_deliveries(tx, &[], overdue).await?;
        let made: Vec<Made> = overdue.into_iter().map(|stored| self.flag(stored, now)).collect();
        store::save(tx, &Changes { made, ..Changes::default() }).await?;
        Ok(())
    }

    async fn oldest_open(&self, tx: &mut Tx<'_>, from: OrderId) -> sqlx::Result<Option<OrderId>> {
        store::oldest_open(tx, from).await
    }
}

impl DeliveryDeadlines {
    fn flag(&self, stored: Stored, now: DateTime<Utc>) -> Made {
        let Stored { delivery, changes } = stored;
        let decision = delivery.overdue(Stamp { at: now, ..clock::stamp() }).due(&self.terms);
        // Not late after all where more patience was set since.
        if let (Some(late), Some(_)) = (decision.delivery.waiting_for(), decision.delivery.attention) {
            let (order_id, late) = (decision.delivery.order_id, late.name());
            warn!(%order_id, "{late} of order {order_id} is late");
            metrics::counter!("deadlines_passed_total", "waiting_for" => late).increment(1);
        }
        let cause = Cause { id: "deadline".to_owned(), trace_parent: None };
        Made { decision, number: changes + 1, origin: Origin::Deadline, cause }
    }
}
