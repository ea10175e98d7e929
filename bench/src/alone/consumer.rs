//! The consumer: a full topic, and nobody who adds to it.

use anyhow::Result;
use devstack::Stack;
use sqlx::{Connection, PgConnection};

use super::{counts, is_sent};

/// Starts delivery-service on these records and answers how many a second it applies: from the first decision to the last one, by the
/// times in the history.
pub async fn catch_up(stack: &mut Stack, records: u64) -> Result<f64> {
    stack.delivery_service.restart().await?;
    let database = stack.delivery_database_url();
    counts(database, "select count(*) from inbox where seen >= 1", records).await?;
    // What came of them is announced meanwhile: that is a part of its work.
    is_sent(database).await?;
    let took =
        "select extract(epoch from max(at) - min(at))::float8 from delivery_history where event_version is not null";
    let took_s: f64 = sqlx::query_scalar(took).fetch_one(&mut PgConnection::connect(database).await?).await?;
    Ok(records as f64 / took_s)
}
