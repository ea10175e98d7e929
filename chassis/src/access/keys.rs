//! API keys in memory: all that can be used, so that an unknown one is refused without a look into the database.
//!
//! Whatever becomes of a key is told to every instance by NOTIFY. An instance that cannot be sure to hear of it, because its connection has
//! not answered for a moment, looks into the database at each request instead: slower, and never later.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    principal::Principal,
    refused::Refused,
    stored::{self, ApiKey},
};
use crate::clock;

/// How often the connection is asked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// For how long after that question what is in memory is good.
const GOOD_FOR: Duration = Duration::from_secs(1);
const AFTER_AN_ERROR: Duration = Duration::from_millis(200);
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// The API keys of a service.
#[derive(Debug, Clone)]
pub(crate) struct KeyRing(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    pool: PgPool,
    known: Mutex<Known>,
    doubted: Notify,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<Uuid, Arc<ApiKey>>,
    /// Nothing while it is not known whether these are all.
    good_until: Option<Instant>,
    doubts: u64,
}

impl KeyRing {
    /// Keys that are looked up here until [`KeyRing::listen`] knows them.
    pub fn new(pool: PgPool) -> Self {
        Self(Arc::new(Ring { pool, known: Mutex::default(), doubted: Notify::new() }))
    }

    /// Who shows this key, if it is good.
    pub(super) async fn verify(&self, key: &str) -> Result<Principal, Refused> {
        let (id, secret_sha256) = stored::read(key).ok_or(Refused::Invalid("no key of ours"))?;
        let known = self.known().find(id);
        let found = match known {
            Some(found) => found,
            None => self.look_up(id).await?,
        };
        let key = found.ok_or(Refused::Invalid("an unknown key"))?;
        key.opened_with(&secret_sha256, clock::now())
    }

    async fn look_up(&self, id: Uuid) -> Result<Option<Arc<ApiKey>>, Refused> {
        metrics::counter!("access_keys_looked_up_total").increment(1);
        let found = stored::find(&self.0.pool, id).await.map_err(|error| {
            tracing::warn!(%error, "an API key could not be looked up: {error}");
            Refused::Unknown
        })?;
        Ok(found.map(Arc::new))
    }

    /// What is in memory may be wrong from now on, until it has been read again. For whoever has just changed a key: the others hear of it
    /// from the database, and this instance does not wait for that.
    pub fn doubt(&self) {
        self.distrust();
        self.0.doubted.notify_one();
    }

    fn distrust(&self) {
        let mut known = self.known();
        known.good_until = None;
        known.doubts += 1;
    }

    /// Keeps the keys in memory, and as they are, until told to stop.
    pub async fn listen(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                ended = self.hear() => {
                    self.distrust();
                    if let Err(error) = ended {
                        tracing::warn!(%error, "API keys are looked up one by one until the database is heard again: {error:#}");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(AFTER_AN_ERROR) => {}
            }
        }
    }

    /// On a connection of its own that is closed afterwards: in a shared pool it would go on listening, and nobody would take out what it
    /// hears.
    async fn hear(&self) -> anyhow::Result<()> {
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*self.0.pool.connect_options()).clone());
        let ended = self.hear_through(&own).await;
        if timeout(CLOSED_WITHIN, own.close()).await.is_err() {
            tracing::debug!("the connection that heard of API keys could not be closed");
        }
        ended
    }

    async fn hear_through(&self, own: &PgPool) -> anyhow::Result<()> {
        let mut connection = PgListener::connect_with(own).await.context("no connection to hear of API keys")?;
        // One that is silently replaced would have missed something.
        connection.eager_reconnect(false);
        // First this, then the keys: what changes in between is heard.
        timeout(GOOD_FOR, connection.listen("api_keys")).await.context("no answer")??;
        loop {
            self.read_all(&mut connection).await?;
            while !self.is_told(&mut connection).await? {}
            self.distrust();
        }
    }

    async fn read_all(&self, connection: &mut PgListener) -> anyhow::Result<()> {
        let (asked_at, doubts) = (Instant::now(), self.known().doubts);
        let keys = timeout(GOOD_FOR, stored::usable(connection, clock::now())).await.context("no answer")??;
        let mut known = self.known();
        known.keys = keys.into_iter().map(|key| (key.id, Arc::new(key))).collect();
        // Where somebody has changed one here while they were read, all is read again at once.
        if known.doubts == doubts {
            known.good_until = Some(asked_at + GOOD_FOR);
        }
        Ok(())
    }

    /// Whether something has changed, here or elsewhere. After a silence the connection is asked whether it is there: what it would have
    /// told is told before it answers.
    async fn is_told(&self, connection: &mut PgListener) -> anyhow::Result<bool> {
        let told = tokio::select! {
            () = self.0.doubted.notified() => return Ok(true),
            told = timeout(LOOK_EVERY, connection.try_recv()) => told,
        };
        if let Ok(told) = told {
            return told?.context("the connection was cut").map(|_| true);
        }
        let asked_at = Instant::now();
        let asked = sqlx::query_scalar!("select 1").fetch_one(connection);
        timeout(GOOD_FOR, asked).await.context("no answer")??;
        let mut known = self.known();
        // Doubted meanwhile, it stays so until all is read again.
        if let Some(good_until) = &mut known.good_until {
            *good_until = asked_at + GOOD_FOR;
        }
        Ok(false)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A key, or that there is none. Nothing where the database has to be asked.
    fn find(&self, id: Uuid) -> Option<Option<Arc<ApiKey>>> {
        let is_good = self.good_until.is_some_and(|until| Instant::now() < until);
        is_good.then(|| self.keys.get(&id).cloned())
    }
}
