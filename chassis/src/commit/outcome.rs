//! What became of a COMMIT whose answer was lost.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;

use crate::database::answered;

/// How long to look for the outcome. A server that comes back after a crash has replayed its log by then, or never will.
const LOOK_FOR: Duration = Duration::from_secs(30);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    Aborted,
    /// The database could not be asked in time.
    Unknown,
}

/// Asks the database, over another connection, until it knows.
///
/// `pg_xact_status` exists for this very case:
/// <https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT>
pub(super) async fn look_up(pool: &PgPool, transaction_id: &str) -> Outcome {
    let give_up_at = Instant::now() + LOOK_FOR;
    loop {
        let asked = sqlx::query_scalar!("select pg_xact_status(($1::text)::xid8)", transaction_id).fetch_one(pool);
        let status = answered(asked).await;
        match status.as_ref().map(Option::as_deref) {
            Ok(Some("committed")) => return Outcome::Committed,
            Ok(Some("aborted")) => return Outcome::Aborted,
            // Its backend has not noticed yet that nobody is listening.
            Ok(Some(_)) => tracing::debug!(transaction_id, "transaction {transaction_id} is still in progress"),
            Ok(None) => return Outcome::Unknown,
            Err(error) => {
                tracing::warn!(%error, transaction_id, "the outcome of a commit cannot be asked for: {error}")
            }
        }
        if Instant::now() > give_up_at {
            return Outcome::Unknown;
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}
