//! A service: what it is, how it starts, runs and stops.

mod chores;
mod lanes;
mod operators;
mod stages;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::Router;
use chrono::TimeDelta;
use metrics_exporter_prometheus::PrometheusHandle;
use shared_events::Topic;
use sqlx::{PgPool, migrate::Migrator};
use tokio::{
    net::TcpListener,
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

pub use stages::Running;

use crate::{
    Deadlines, Janitor, Settings, Sweeper,
    access::{self, Access, KeyRing, OPERATOR_RULES, Rule},
    clock,
    commit::{Committer, GroupCommit, Requests},
    database::{self, Pools},
    http::{
        health::{self, Health},
        layers::{self, Limits},
        lookout, metrics, server,
    },
    messaging::{self, Applied, Inbox, Lookout, Progress, Reactions, Standing, Wakes, pauses::Names},
    planted, telemetry,
};
use lanes::Lanes;
use operators::Operators;
use stages::Stages;

/// A service on one page: its name, what it says, what it listens to, and the four places where its own code is called.
pub struct Service<Q: Requests, R: Reactions, D: Deadlines> {
    /// Its name: of the process, of its consumer group, of its database sessions.
    pub name: &'static str,
    /// Its port on 127.0.0.1 unless told otherwise.
    pub port: u16,
    /// Its tables.
    pub migrations: Migrator,
    /// The topic that only it writes to.
    pub announces_on: Topic,
    /// The topic it reads.
    pub listens_to: Topic,
    /// The longest that anything of it waits for an event: topics have to keep what is on its way for that long.
    pub longest_wait: TimeDelta,
    /// What it does with what people ask.
    pub requests: Q,
    /// What it does with what the other side announced.
    pub reactions: R,
    /// What it does about what has waited too long.
    pub deadlines: D,
    /// Who may use what it offers over HTTP. What is not in here is refused.
    pub rules: &'static [Rule],
    /// What it offers over HTTP. Called within the runtime: it may start tasks that end with the service.
    pub routes: Routes<Q::Request>,
}

/// Makes a service's routes.
pub type Routes<Q> = Box<dyn FnOnce(Api<Q>) -> Router + Send>;

/// What a service's routes are given.
pub struct Api<Q> {
    /// For reading.
    pub pool: PgPool,
    /// For everything that changes something.
    pub committer: Committer<Q>,
    /// Tells which orders events have just changed.
    pub applied: Applied,
    /// What this instance sees of the way to the other side and back.
    pub lookout: Lookout,
    /// Set once the service is told to stop: whoever waits is answered then.
    pub stopping: CancellationToken,
}

impl<Q> Clone for Api<Q> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            committer: self.committer.clone(),
            applied: self.applied.clone(),
            lookout: self.lookout.clone(),
            stopping: self.stopping.clone(),
        }
    }
}

impl<Q: Requests, R: Reactions, D: Deadlines> Service<Q, R, D> {
    /// Runs until the process is told to stop (SIGTERM, SIGINT), or something fails for good: then says what, in a sentence.
    /// Asked for one of [`crate::Chores`], it does that instead, and ends. Makes the runtime for either.
    pub fn run(self, settings: Settings) -> ExitCode {
        let name = self.name;
        let chore = settings.chores.asked();
        // A chore does one thing after the other. Where the number of threads is limited it runs beside the service itself, every
        // few seconds, and a thread for each processor would be taken from it.
        let mut runtime = if chore.is_some() { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        let ended = runtime.enable_all().build().context("no runtime could be made").and_then(|runtime| {
            runtime.block_on(async {
                match chore {
                    Some(chore) => Ok(self.carry_out(chore, settings).await),
                    None => self.run_until_told(settings).await.map(|()| ExitCode::SUCCESS),
                }
            })
        });
        ended.unwrap_or_else(|error| {
            // Not by the log, which may not have begun, and without the stack: it is of no use to whoever started us.
            eprintln!("{name} ends: {error:#}");
            ExitCode::FAILURE
        })
    }

    async fn run_until_told(self, settings: Settings) -> anyhow::Result<()> {
        telemetry::start(settings.log_format)?;
        #[cfg(feature = "planted-bugs")]
        planted::choose()?;
        let name = self.name;
        tracing::info!("{name} starts with {} and {:?}", settings.shown(), self.deadlines);
        let mut running = self.start(settings).await?;
        let failed = tokio::select! {
            signal = stop_signal() => signal.map(|signal| tracing::info!("{name} stops: {signal}")),
            failure = running.failure() => Err(failure),
        };
        planted::crash_at(planted::Point::Stopping);
        running.stop().await;
        failed
    }

    /// Where it is to listen.
    fn address(&self, settings: &Settings) -> SocketAddr {
        settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    /// What has to be there before anything begins: the tables, the log's partitions, a place to listen.
    async fn prepare(&self, settings: &Settings) -> anyhow::Result<Ground<D>> {
        let retention = settings.retention()?;
        let address = self.address(settings);
        settings.access.check(address)?;
        let metrics = metrics::recorder()?;
        let pools = database::connect(&settings.database_url, self.name).await?;
        let keys = KeyRing::new(pools.access.clone());
        let door = Access::new(&[&[self.rules], OPERATOR_RULES].concat().concat(), &settings.access, keys.clone())?;
        database::migrate(&pools.requests, &self.migrations).await?;
        let janitor = Janitor::new(self.deadlines.clone(), pools.relay.clone(), retention);
        // Before anything is announced: what finds no partition would have to be moved.
        let partitioned = database::patiently(async || janitor.prepare(clock::now()).await).await;
        partitioned.context("the event log could not be given its partitions")?;
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("nothing can listen on {address} (--listen)"))?;
        Ok(Ground { pools, metrics, keys, door, janitor, listener })
    }

    /// Starts every part and returns once HTTP is served. Kafka may come later; until then the service is not ready, and
    /// takes requests all the same.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, the port is taken, or the door cannot be guarded as told.
    pub async fn start(self, settings: Settings) -> anyhow::Result<Running> {
        let Ground { pools, metrics, keys, door, janitor, listener } = self.prepare(&settings).await?;
        let address = listener.local_addr()?;
        let Self { announces_on, listens_to, .. } = self;
        let wakes = Wakes::default();
        let applied = Applied::default();
        let (partitions, partitions_seen) = watch::channel(None);
        let (standing, standing_seen) = watch::channel(Standing::Down);
        let mut stages = Stages::new(settings.stop_timeout());
        let stopping = stages.stopping();

        let (committer, commits) = GroupCommit::new(self.requests, pools.requests.clone(), wakes.relay.clone());
        let (progress, topics) = (Progress::default(), [self.announces_on, self.listens_to]);
        let (relay, told) = (wakes.relay.clone(), standing_seen.clone());
        let lookout = Lookout::new(settings.kafka(), self.name, topics, progress.clone(), relay, told);
        let (pool, applied_here) = (pools.requests.clone(), applied.clone());
        let api = Api { pool, committer, applied: applied_here, lookout, stopping: stopping.clone() };
        let health = Health { pool: pools.relay.clone(), partitions: partitions_seen, relay: standing_seen, stopping };
        let inbox = Inbox::new(self.reactions, pools.inbox.clone(), self.listens_to, wakes.clone(), applied);
        let inbox = Arc::new(inbox);
        let names = Names { instance: settings.instance_id.clone(), listens_to, announces_on };
        let operators = Operators { pools: pools.clone(), inbox: inbox.clone(), wakes: wakes.clone(), names };
        let routes = (self.routes)(api.clone()).merge(access::routes(pools.requests.clone(), keys.clone()));
        let routes = routes.merge(lookout::routes(api.pool, api.lookout)).merge(operators.routes());
        let routes = layers::wrap(routes, probes(health, metrics.clone()), limits(&settings), door);
        stages.add("http", |stop| server::serve(listener, routes, settings.max_connections, stop));
        stages.add("requests", |stop| commits.run(stop));
        if !settings.access.open_on_loopback {
            stages.add("access", |stop| keys.listen(stop));
        }
        let sweeper = Sweeper::new(self.deadlines, pools.inbox.clone(), wakes.relay.clone(), settings.sweep_every());
        stages.add("deadlines", |stop| sweeper.run(stop));
        stages.add("growth", |stop| janitor.run(stop));
        operators.open(&mut stages).await?;

        let lanes = Lanes {
            name: self.name,
            announces_on: self.announces_on,
            listens_to: self.listens_to,
            longest_wait: self.longest_wait,
            pools: pools.clone(),
            progress,
        };
        lanes.open(&mut stages, &settings, inbox, &wakes, partitions, standing);
        stages.add("gauges", |stop| messaging::watch_gauges(pools.relay, metrics, stop));
        tracing::info!("{} listens on http://{address}", self.name);
        Ok(Running::new(address, stages))
    }
}

/// What everything else stands on.
struct Ground<D> {
    pools: Pools,
    metrics: PrometheusHandle,
    keys: KeyRing,
    door: Access,
    janitor: Janitor<D>,
    listener: TcpListener,
}

fn probes(health: Health, metrics: PrometheusHandle) -> Router {
    health::routes(health).merge(metrics::routes(metrics))
}

fn limits(settings: &Settings) -> Limits {
    Limits { concurrent_requests: settings.max_concurrent_requests, request_timeout: settings.request_timeout() }
}

async fn stop_signal() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
