//! Orders that have waited too long: load → decide → save.

use chassis::{Deadlines, Failure, Tx};
use chrono::{DateTime, Utc};
use shared_events::OrderId;

use crate::domain::Terms;

/// Looks after what orders wait for.
#[derive(Debug, Clone, Copy)]
pub struct OrderDeadlines {
    /// How long each wait may take.
    pub terms: Terms,
}

impl Deadlines for OrderDeadlines {
    async fn sweep(&self, _: &mut Tx<'_>, _: DateTime<Utc>, _: i64) -> Result<usize, Failure> {
        Ok(0)
    }

    async fn oldest_open(&self, _: &mut Tx<'_>) -> sqlx::Result<Option<OrderId>> {
        Ok(None)
    }
}
