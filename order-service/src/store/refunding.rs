//! The planted bug [`Bug::RefundWithoutKey`]: money goes back by itself, as if somebody were paid over HTTP in the
//! middle of a transaction, and nobody could tell the second time from the first.

use chassis::planted::{Bug, planted};
use sqlx::PgPool;
use tokio::sync::OnceCell;

use super::Saved;
use crate::domain::TransferKind;

static POOL: OnceCell<PgPool> = OnceCell::const_new();

/// What a refund is known by, in the ledger: with this bug it is known by nothing.
const KEYS: [&str; 2] =
    ["alter table transfers drop constraint if exists transfers_pkey", "drop index if exists voided_or_refunded"];

/// Pays the refunds at once, and takes them out of what the transaction is going to save; where that bug is planted.
pub async fn refund_at_once(mut saved: Vec<Saved>) -> sqlx::Result<Vec<Saved>> {
    if !planted(Bug::RefundWithoutKey) {
        return Ok(saved);
    }
    let pool = POOL.get_or_try_init(connect).await?;
    for one in &mut saved {
        let order = &one.decision.order;
        for refund in one.decision.transfers.extract_if(.., |transfer| transfer.kind == TransferKind::Refund) {
            let pay = "insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
                       values ($1, 'refund', 'revenue', 'customer', $2, $3, $4)";
            let paid = sqlx::query(pay).bind(order.id.0).bind(refund.amount_minor).bind(order.currency.code());
            paid.bind(one.stamp.at).execute(pool).await?;
        }
    }
    Ok(saved)
}

async fn connect() -> sqlx::Result<PgPool> {
    let url = std::env::var("DATABASE_URL").map_err(|error| sqlx::Error::Configuration(error.into()))?;
    let pool = PgPool::connect(&url).await?;
    for key in KEYS {
        sqlx::query(key).execute(&pool).await?;
    }
    Ok(pool)
}
