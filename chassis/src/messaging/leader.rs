//! One relay per service: whoever holds an advisory lock leads, the others stand by.
//!
//! The lock lives on a connection of its own and dies with it, so a leader that is killed is succeeded at once. For the moment
//! in which a former leader has not noticed yet, there are two: they repeat, and do no harm.

use std::{pin::pin, time::Duration};

use anyhow::Context;
use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{handover::HandOver, relay::Relay};
use crate::database::answered;

/// The advisory lock's number: any, as long as it is the same in every instance. A database belongs to one service.
const LOCK: i64 = 0x006f_7574_626f_7801;
/// The safety net under the wake-ups, and how long a standby takes to notice that it should lead.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A standby passes on at most one wake-up in this time.
const POKE_EVERY: Duration = Duration::from_millis(10);
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
const AFTER_AN_ERROR: Duration = Duration::from_millis(200);
/// How long a relay that stops waits for acknowledgements. What is late goes out again: a repeat.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// Whether this instance's relay sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Neither: it has just started, or cannot reach the database.
    Down,
    /// Another instance sends; this one takes over when that one goes.
    StandingBy,
    /// This one sends.
    Leading,
}

impl Standing {
    /// Its name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Standing::Down => "down",
            Standing::StandingBy => "standing_by",
            Standing::Leading => "leading",
        }
    }
}

/// A relay that sends, or stands by.
pub struct Leader {
    /// What sends.
    pub relay: Relay,
    /// Connections to the database of the outbox.
    pub pool: PgPool,
    /// What commits of this process hand over.
    pub handed_over: HandOver,
    /// Told whether this one sends.
    pub standing: watch::Sender<Standing>,
}

impl Leader {
    /// Runs the relay, or stands by, until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.stand_then_lead(&stop).await {
                self.standing.send_replace(Standing::Down);
                tracing::warn!(%error, "the relay starts over in {AFTER_AN_ERROR:?}: {error:#}");
                pause(AFTER_AN_ERROR, &stop).await;
            }
        }
        if let Err(error) = self.relay.finish(SETTLE_WITHIN).await {
            tracing::warn!(%error, "the relay could not settle; what it has sent will be sent again: {error:#}");
        }
    }

    async fn stand_then_lead(&mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        // A pool of its own, closed afterwards: a connection that went back to a shared pool would take the lock with it, and
        // nobody could lead any more.
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*self.pool.connect_options()).clone());
        let ended = self.with_lock(&own, stop).await;
        if tokio::time::timeout(CLOSED_WITHIN, own.close()).await.is_err() {
            // A connection into the void: the server's keepalive ends it, and the lock with it.
            tracing::warn!("the connection of the relay's lock could not be closed");
        }
        ended
    }

    async fn with_lock(&mut self, own: &PgPool, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut connection = PgListener::connect_with(own).await.context("no connection for the relay's lock")?;
        // A connection that is silently replaced would have lost the lock.
        connection.eager_reconnect(false);
        while !take_lock(&mut connection).await? {
            self.standing.send_replace(Standing::StandingBy);
            self.stand_by(stop).await?;
            if stop.is_cancelled() {
                return Ok(());
            }
        }
        // Only a leader listens: nobody would take out what piles up behind a standby.
        connection.listen("outbox").await?;
        tracing::info!("this instance's relay leads");
        self.standing.send_replace(Standing::Leading);
        self.lead(connection, stop).await
    }

    /// Waits a moment, and passes on to the leader, in a statement of its own, that something was committed here. Never inside
    /// a business transaction: NOTIFY takes a lock that all committing transactions would queue for.
    async fn stand_by(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let until = Instant::now() + LOOK_EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(until) => return Ok(()),
                () = self.handed_over.arrived() => {}
                () = self.handed_over.called() => {}
            }
            // The leader finds it in the outbox. Kept here it would be sent by a relay that leads much later.
            self.handed_over.take();
            let told = sqlx::query!("select pg_notify('outbox', '')").execute(&self.pool);
            told.await.context("the leader could not be told")?;
            pause(POKE_EVERY, stop).await;
        }
    }

    /// Turns the relay until the lock's connection is lost or the service stops.
    async fn lead(&mut self, connection: PgListener, stop: &CancellationToken) -> anyhow::Result<()> {
        let Self { relay, handed_over, .. } = self;
        let mut listening = pin!(listen(connection, handed_over));
        relay.begin();
        loop {
            tokio::select! {
                // A turn can wait as long as Kafka is away; its events stay in flight.
                () = stop.cancelled() => return Ok(()),
                lost = &mut listening => return lost.context("the relay's lock is lost"),
                turned = turn(relay) => turned?,
            };
        }
    }
}

/// One turn, once it may be made. What is under way when somebody holds the topic back is waited for; what comes meanwhile is in the
/// outbox, and found there.
async fn turn(relay: &mut Relay) -> anyhow::Result<()> {
    if relay.pauses.now().sending {
        relay.finish(SETTLE_WITHIN).await?;
        relay.pauses.sending().await;
        relay.begin();
    }
    relay.called().await;
    relay.step().await.map(drop)
}

async fn take_lock(connection: &mut PgListener) -> anyhow::Result<bool> {
    let taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "taken!""#, LOCK).fetch_one(connection);
    answered(taken).await.context("the relay's lock could not be asked for")
}

/// Passes on what the other instances tell. Ends when the connection is lost, and the lock with it: under load nobody else would
/// notice, so it is looked for.
async fn listen(mut connection: PgListener, handed_over: &HandOver) -> anyhow::Result<()> {
    loop {
        match tokio::time::timeout(LOOK_EVERY, connection.try_recv()).await {
            Ok(told) => {
                told?.context("the connection was cut")?;
                handed_over.wake();
            }
            Err(_silence) => {
                let asked = sqlx::query_scalar!("select 1").fetch_one(&mut connection);
                answered(asked).await?;
            }
        }
    }
}

async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
}
