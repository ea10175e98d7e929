//! What operators did, written down in the transaction of what they did. The table takes rows and never changes one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Tx, access::Principal, clock, list_snapshot};

/// Writes down what somebody does: `action` in `snake_case` to `target`, why they said they do it, and whatever else helps to understand it
/// later. It is there if and only if the action is.
///
/// # Errors
/// The database's.
pub async fn record(
    tx: &mut Tx<'_>,
    by: &Principal,
    action: &'static str,
    target: &str,
    reason: &str,
    detail: Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into operator_actions (id, at, who, action, target, reason, detail) values ($1, $2, $3, $4, $5, $6, $7)",
        clock::fresh_id(),
        clock::now(),
        &*by.subject,
        action,
        target,
        reason,
        detail,
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Something that an operator did.
#[derive(Debug, Serialize)]
pub(crate) struct OperatorAction {
    pub id: Uuid,
    at: DateTime<Utc>,
    who: String,
    action: String,
    target: String,
    reason: String,
    detail: Value,
}

/// Which of them are listed. What is not said narrows nothing.
#[derive(Debug, Default)]
pub(crate) struct Which {
    pub who: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
}

/// So many of these actions older than this one, newest first.
pub(crate) async fn page(pool: &PgPool, which: &Which, before: Uuid, rows: i64) -> sqlx::Result<Vec<OperatorAction>> {
    let mut snapshot = list_snapshot(pool).await?;
    sqlx::query_as!(
        OperatorAction,
        "select id, at, who, action, target, reason, detail
         from operator_actions
         where id < $1
           and ($2::text is null or who = $2)
           and ($3::text is null or action = $3)
           and ($4::text is null or target = $4)
         order by id desc
         limit $5",
        before,
        which.who.as_deref(),
        which.action.as_deref(),
        which.target.as_deref(),
        rows,
    )
    .fetch_all(&mut *snapshot)
    .await
}
