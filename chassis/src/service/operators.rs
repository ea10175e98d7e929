//! The parts of a service that operators ask for something.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use sqlx::PgPool;

use super::stages::Stages;
use crate::{
    database::Pools,
    messaging::{Inbox, Reactions, Wakes, pauses::Names},
    operations::{self, Operations, Replayer, Republisher},
};

/// What they need.
pub(super) struct Operators<R> {
    pub pools: Pools,
    pub inbox: Arc<Inbox<R>>,
    pub wakes: Wakes,
    pub names: Names,
}

impl<R: Reactions> Operators<R> {
    /// What they may ask for.
    pub(super) fn routes(&self) -> Router {
        operations::routes(Operations {
            pool: self.pools.requests.clone(),
            inbox: self.inbox.clone(),
            names: self.names.clone(),
            relay: self.wakes.relay.clone(),
            retries: self.wakes.retries.clone(),
        })
    }

    /// Adds the stages that carry it out. Before anything is read or sent: what is held back stays so over a restart.
    ///
    /// # Errors
    /// When the database does not say what is held back.
    pub(super) async fn open(self, stages: &mut Stages) -> anyhow::Result<()> {
        let Self { pools, inbox, wakes, names } = self;
        let (pauses, pool): (_, PgPool) = (inbox.pauses(), pools.requests);
        pauses.look(&pool, &names).await.context("it cannot be seen what is held back")?;
        let republisher = Republisher::new(pool.clone(), wakes.relay);
        stages.add("pauses", |stop| pauses.keep(pool, names, stop));
        stages.add("replays", |stop| Replayer::new(inbox, pools.inbox).run(stop));
        stages.add("republications", |stop| republisher.run(stop));
        Ok(())
    }
}
