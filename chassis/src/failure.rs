//! Errors told apart by what helps.

use shared_events::OrderId;

/// Why a batch could not be worked off, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Trying again helps: a database that restarts, a deadlock, a full disk. Never counted against an event.
    #[error("{0:#}")]
    Transient(anyhow::Error),
    /// Trying again does not help: something in the batch can never be applied as things are.
    #[error("{0:#}")]
    Permanent(anyhow::Error),
    /// Events came for orders that this service does not know: park these, try the rest.
    #[error("{} unknown orders", .0.len())]
    UnknownOrders(Vec<OrderId>),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Failure::Transient(error.into()) } else { Failure::Permanent(error.into()) }
    }
}

/// Whether the same statement may succeed later.
///
/// By SQLSTATE: connection (08), rollback (40), resources (53), lock not available (55P03), operator intervention (57),
/// system error (58), and the two time-outs that end an idle session (25P03) or a long transaction (25P04). Whatever
/// happens below SQL (I/O, TLS, a connection cut half-way through a message) is transient too.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(refused) = error {
        return refused.code().is_some_and(|code| is_transient_state(&code));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
    )
}

fn is_transient_state(code: &str) -> bool {
    matches!(code, "55P03" | "25P03" | "25P04")
        || ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
}

/// Whether a failed COMMIT may have been carried out all the same: the answer was lost, not given.
#[must_use]
pub fn leaves_commit_unknown(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(refused) = error {
        // A server that is going down may say so after it has written the commit record.
        return refused.code().is_none_or(|code| ["08", "57", "58"].iter().any(|class| code.starts_with(class)));
    }
    is_transient(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_heals_by_itself_is_transient_and_what_a_constraint_refuses_is_not() {
        for code in ["08006", "40001", "40P01", "53100", "53300", "55P03", "57P01", "57014", "58030", "25P03"] {
            assert!(is_transient_state(code), "{code}");
        }
        for code in ["23505", "23514", "22003", "22021", "42P01", "55000", "25006"] {
            assert!(!is_transient_state(code), "{code}");
        }
    }
}
