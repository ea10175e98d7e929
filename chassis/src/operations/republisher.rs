//! Puts what was announced since some time back into the outbox, little by little: what is announced for the first time must not have to
//! wait behind all of it.

use std::time::Duration;

use shared_events::{OrderId, Version};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Tx, clock,
    database::answered,
    messaging::{HandOver, Outgoing, announce},
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait where the outbox is full enough.
const WHEN_FULL: Duration = Duration::from_millis(100);
/// How many rows of the log one transaction looks at.
const ROWS: i64 = 2_000;
/// How many pointers may be in the outbox before more are put there.
const MOST_UNSENT: i64 = 4_000;

/// The worker. Several instances may have one: each page of the log is looked at by one of them.
pub(crate) struct Republisher {
    pool: PgPool,
    relay: HandOver,
}

enum Step {
    /// There is nothing to do.
    Idle,
    /// What is there has to go out first.
    Full,
    Worked,
}

impl Republisher {
    pub(crate) fn new(pool: PgPool, relay: HandOver) -> Self {
        Self { pool, relay }
    }

    /// Works until told to stop. How far it has come stands in the database.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match answered(self.step()).await {
                Ok(Step::Worked) => continue,
                Ok(Step::Full) => WHEN_FULL,
                Ok(Step::Idle) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "events could not be announced again, trying again soon: {error}");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One page of the log.
    async fn step(&self) -> sqlx::Result<Step> {
        let mut tx = Tx::announcing_to(&self.relay, self.pool.begin().await?);
        let asked = sqlx::query!(
            "select id, since, until, order_id, version from republications
             where ended_at is null order by asked_at limit 1 for update skip locked"
        );
        let Some(asked) = asked.fetch_optional(&mut *tx).await? else { return Ok(Step::Idle) };
        if unsent(&mut tx).await? > MOST_UNSENT {
            return Ok(Step::Full);
        }
        let rows = sqlx::query!(
            r#"select order_id, version, (occurred_at >= $3 and occurred_at < $4) as "is_asked_for!"
               from event_log where (order_id, version) > ($1::uuid, $2::bigint)
               order by order_id, version limit $5"#,
            asked.order_id,
            asked.version,
            asked.since,
            asked.until,
            ROWS
        );
        let rows = rows.fetch_all(&mut *tx).await?;
        let again = rows.iter().filter(|row| row.is_asked_for);
        let again: Vec<_> = again
            .map(|row| Outgoing::Again { order_id: OrderId(row.order_id), version: Version(row.version) })
            .collect();
        announce(&mut tx, &again).await?;
        match rows.last() {
            Some(last) => go_on(&mut tx, asked.id, last.order_id, last.version, again.len()).await?,
            None => end(&mut tx, asked.id).await?,
        }
        tx.commit().await?;
        Ok(Step::Worked)
    }
}

/// How many pointers there are, counted no further than needed.
async fn unsent(tx: &mut Tx<'_>) -> sqlx::Result<i64> {
    let counted = sqlx::query_scalar!(
        r#"select count(*) as "unsent!" from (select from outbox limit $1) as unsent"#,
        MOST_UNSENT + 1
    );
    counted.fetch_one(&mut **tx).await
}

async fn go_on(tx: &mut Tx<'_>, id: Uuid, order_id: Uuid, version: i64, announced: usize) -> sqlx::Result<()> {
    let moved = sqlx::query!(
        "update republications set order_id = $2, version = $3, announced = announced + $4 where id = $1",
        id,
        order_id,
        version,
        i64::try_from(announced).unwrap_or(i64::MAX)
    );
    moved.execute(&mut **tx).await.map(drop)
}

async fn end(tx: &mut Tx<'_>, id: Uuid) -> sqlx::Result<()> {
    let ended = sqlx::query!("update republications set ended_at = $2 where id = $1", id, clock::now());
    ended.execute(&mut **tx).await.map(drop)
}
