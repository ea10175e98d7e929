//! How long the pair takes, after a fault is healed, to bring to its end what it had begun by then. It is watched beside whatever
//! strikes next, and what begins later does not count.

use std::time::Duration;

use anyhow::Result;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::audit::Finding;
use crate::strike::Bite;

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How much longer is waited when everything else has been looked at.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was under way at a heal and still is. It only ever shrinks.
#[derive(Debug, Default)]
struct Rest {
    /// Orders that nobody has decided.
    undecided: Vec<Uuid>,
    /// What each side has not sent: of which order, which version.
    unsent: [Vec<(Uuid, i64)>; 2],
}

impl Rest {
    async fn of([orders, deliveries]: &[PgPool; 2]) -> sqlx::Result<Self> {
        let undecided = "select id from orders where status in ('completed', 'cancelling')";
        let unsent = "select order_id, version from outbox";
        Ok(Self {
            undecided: sqlx::query_scalar(undecided).fetch_all(orders).await?,
            unsent: [
                sqlx::query_as(unsent).fetch_all(orders).await?,
                sqlx::query_as(unsent).fetch_all(deliveries).await?,
            ],
        })
    }

    fn is_empty(&self) -> bool {
        self.undecided.is_empty() && self.unsent.iter().all(Vec::is_empty)
    }

    /// Leaves out what has come to its end.
    async fn shrinks(&mut self, pools: &[PgPool; 2]) -> sqlx::Result<()> {
        let undecided = "select id from orders where status in ('completed', 'cancelling') and id = any($1)";
        self.undecided = sqlx::query_scalar(undecided).bind(&self.undecided).fetch_all(&pools[0]).await?;
        for (pool, unsent) in pools.iter().zip(&mut self.unsent) {
            let still = "select order_id, version from outbox
                         where (order_id, version) in (select * from unnest($1::uuid[], $2::bigint[]))";
            let (orders, versions): (Vec<Uuid>, Vec<i64>) = unsent.iter().copied().unzip();
            *unsent = sqlx::query_as(still).bind(orders).bind(versions).fetch_all(pool).await?;
        }
        Ok(())
    }
}

/// Looks at both sides after a heal until what was under way then is not any more. Answers after how many milliseconds that was.
pub async fn watched(pools: [PgPool; 2]) -> Result<JoinHandle<u64>> {
    let healed = Instant::now();
    let mut rest = Rest::of(&pools).await?;
    Ok(tokio::spawn(async move {
        while !rest.is_empty() {
            sleep(LOOK_AGAIN_AFTER).await;
            match rest.shrinks(&pools).await {
                // What strikes next may keep us from looking; then it keeps the pair from recovering, too.
                Ok(()) | Err(_) => {}
            }
        }
        u64::try_from(healed.elapsed().as_millis()).unwrap_or(u64::MAX)
    }))
}

/// Writes down how long each took. All has come to rest by now, or been waited for: what has not recovered yet is not going to.
pub async fn written_down(bites: &mut [Bite], watches: Vec<JoinHandle<u64>>) -> Finding {
    let give_up_at = Instant::now() + PATIENCE;
    let mut violations = Vec::new();
    for (at, (bite, mut watch)) in bites.iter_mut().zip(watches).enumerate() {
        match timeout_at(give_up_at, &mut watch).await {
            Ok(Ok(after_ms)) => bite.recovered_ms = Some(after_ms),
            Ok(Err(_)) | Err(_) => {
                watch.abort();
                violations.push(format!("fault {} ({})", at + 1, bite.fault.kind()));
            }
        }
    }
    Finding { name: "recovery", says: "what was under way when a fault was healed came to its end", violations }
}
