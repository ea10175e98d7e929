//! Deliveries that are late: load → decide → save.

use chassis::{Deadlines, Failure, Tx};
use chrono::{DateTime, Utc};
use shared_events::OrderId;

use crate::domain::Terms;

/// Looks after what was promised.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryDeadlines {
    /// How late is late.
    pub terms: Terms,
}

impl Deadlines for DeliveryDeadlines {
    async fn sweep(&self, _: &mut Tx<'_>, _: DateTime<Utc>, _: i64) -> Result<usize, Failure> {
        Ok(0)
    }

    async fn oldest_open(&self, _: &mut Tx<'_>) -> sqlx::Result<Option<OrderId>> {
        Ok(None)
    }
}
