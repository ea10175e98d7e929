//! What became of a COMMIT whose answer was lost.
//!
//! `pg_xact_status` tells by a transaction's number, and was made for this case. But where the server crashed before the transaction was on
//! disk, nobody remembers that the number was given: it goes to another transaction, and that one commits
//! (<https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT> does not say so; `tests/saga/commit/crashed.rs` does).
//! So every batch leaves a mark of its own, and the number only says whether there is something to wait for.

use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::database::answered;

/// How long to look for the outcome. A server that comes back after a crash has replayed its log by then, or never will.
const LOOK_FOR: Duration = Duration::from_secs(30);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// PostgreSQL's word for a transaction number that it has not given yet: it has given it, and lost it in a crash.
const IN_THE_FUTURE: &str = "22023";

/// By what a batch is found again: it is the last one of its committer, or it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub committer: Uuid,
    pub id: Uuid,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    Aborted,
    /// The database could not be asked in time.
    Unknown,
}

/// Asks the database, over another connection, until it knows.
pub(super) async fn look_up(pool: &PgPool, transaction_id: &str, mark: Mark) -> Outcome {
    let give_up_at = Instant::now() + LOOK_FOR;
    loop {
        match answered(is_there(pool, transaction_id, mark)).await {
            Ok(Some(true)) => return Outcome::Committed,
            Ok(Some(false)) => return Outcome::Aborted,
            // Its backend has not noticed yet that nobody is listening.
            Ok(None) => tracing::debug!(transaction_id, "transaction {transaction_id} is still in progress"),
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

/// Whether the mark is there; none as long as the transaction may still leave it.
async fn is_there(pool: &PgPool, transaction_id: &str, mark: Mark) -> sqlx::Result<Option<bool>> {
    let status = sqlx::query_scalar!("select pg_xact_status(($1::text)::xid8)", transaction_id).fetch_one(pool).await;
    match status {
        Ok(Some(status)) if status == "in progress" => return Ok(None),
        Err(error) if code(&error).as_deref() != Some(IN_THE_FUTURE) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    // In a statement of its own: what the first one saw end, this one sees.
    let left = sqlx::query_scalar!(
        r#"select exists (select from commit_marks where committer = $1 and mark = $2) as "left!""#,
        mark.committer,
        mark.id
    );
    left.fetch_one(pool).await.map(Some)
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|refused| refused.code()).map(String::from)
}
