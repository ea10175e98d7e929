//! What an operator holds back: all that is read, all that is sent, or one order. Kept in the database, with who, why and until when.
//!
//! An instance looks a few times a second, and where it was told itself before it answers. An order is held back by its lane's own row,
//! which whoever applies something has locked and read: once the pause is committed, no instance applies anything of the order.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Tx, database::answered};

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What this instance holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paused {
    /// Nothing that comes is applied.
    pub reading: bool,
    /// Nothing that was announced is sent.
    pub sending: bool,
}

/// Tells the workers of this instance what is held back.
#[derive(Debug, Clone, Default)]
pub struct Pauses(watch::Sender<Paused>);

/// Under which names an instance can be paused.
#[derive(Debug, Clone)]
pub struct Names {
    /// Its own.
    pub instance: String,
    /// What it reads.
    pub listens_to: Topic,
    /// What it sends.
    pub announces_on: Topic,
}

impl Pauses {
    /// What is held back now, as of the last look.
    #[must_use]
    pub fn now(&self) -> Paused {
        *self.0.borrow()
    }

    /// Returns once nothing that comes is held back.
    pub(crate) async fn reading(&self) {
        // Fails when nobody can tell any more, and we hold one that can.
        drop(self.0.subscribe().wait_for(|paused| !paused.reading).await);
    }

    /// Returns once nothing that was announced is held back.
    pub(super) async fn sending(&self) {
        drop(self.0.subscribe().wait_for(|paused| !paused.sending).await);
    }

    /// Looks once. To be called before anything is read or sent.
    ///
    /// # Errors
    /// The database's.
    pub async fn look(&self, pool: &PgPool, names: &Names) -> sqlx::Result<()> {
        let paused = answered(in_force(pool, names)).await?;
        self.0.send_if_modified(|before| {
            let is_new = *before != paused;
            if is_new {
                tracing::warn!(?paused, "what is held back has changed: {paused:?}");
            }
            *before = paused;
            is_new
        });
        Ok(())
    }

    /// Looks again and again until told to stop. As long as the database is away, what was held back stays so.
    pub async fn keep(self, pool: PgPool, names: Names, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.look(&pool, &names).await {
                tracing::debug!(%error, "what is held back could not be looked at: {error}");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

async fn in_force(pool: &PgPool, names: &Names) -> sqlx::Result<Paused> {
    sqlx::query_as!(
        Paused,
        r#"select coalesce(bool_or((what = 'consumer' and name = $1) or (what = 'topic' and name = $2)), false) as "reading!",
                  coalesce(bool_or(what = 'topic' and name = $3), false) as "sending!"
           from pauses
           where what in ('consumer', 'topic') and ended_at is null and until > now()"#,
        names.instance,
        names.listens_to.name(),
        names.announces_on.name(),
    )
    .fetch_one(pool)
    .await
}

/// Holds an order back until then, also one of which nothing has come: its row is there then, and whoever would begin the lane without
/// looking collides with it.
pub(crate) async fn hold(tx: &mut Tx<'_>, order_id: OrderId, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into inbox (order_id, seen, paused_until) values ($1, 0, $2)
         on conflict (order_id) do update set paused_until = excluded.paused_until",
        order_id.0,
        until
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Lets an order go on, and makes due at once what came meanwhile.
pub(crate) async fn let_go(tx: &mut Tx<'_>, order_id: OrderId, now: DateTime<Utc>) -> sqlx::Result<()> {
    // The lane first: what somebody parks there at this moment is seen by the next statement.
    let lane = sqlx::query!("update inbox set paused_until = null where order_id = $1", order_id.0);
    lane.execute(&mut **tx).await?;
    sqlx::query!(
        "update parked_events set next_attempt_at = $2 where order_id = $1 and cause = 'paused' and resolved_at is null",
        order_id.0,
        now
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}
