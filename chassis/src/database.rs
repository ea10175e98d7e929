//! Connections to the service's own database, and its schema.

use std::{io, str::FromStr, time::Duration};

use anyhow::Context;
use sqlx::{
    PgPool, Postgres, Transaction,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

use crate::failure::is_transient;

/// How long a unit of work waits for a connection before it is told that the database does not answer.
const CONNECTION_WITHIN: Duration = Duration::from_secs(2);
/// How long a start waits for a database that is not up yet.
const START_WITHIN: Duration = Duration::from_secs(30);

/// Limits that the server keeps for us, so that nothing of ours can hold a lock for ever; the last three let it notice that we
/// vanished without a word.
const SESSION_LIMITS: [(&str, &str); 6] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_user_timeout", "30000"),
];

/// One plan for each statement, and always the one that is right for tables that have grown: into them by an index, row by row. What the
/// planner would choose for the tables as they are when a statement is first seen, empty ones, reads all of them when they are full,
/// until the statistics catch up a minute later. Lists are planned for what is asked ([`list_snapshot`]).
///
/// Without `jit`: where there is no index to go by, the price of a plan that is switched off would make it look worth compiling.
pub const SESSION_PLANS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// The connections of a service, apart by purpose: a flood of requests must not starve the relay.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub requests: PgPool,
    pub inbox: PgPool,
    pub relay: PgPool,
    pub access: PgPool,
}

/// Connects, waiting a while for a database that is only starting.
pub(crate) async fn connect(url: &str, service: &str) -> anyhow::Result<Pools> {
    let options = PgConnectOptions::from_str(url)
        .context("the database URL cannot be understood")?
        .application_name(service)
        .options(SESSION_LIMITS)
        .options(SESSION_PLANS);
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECTION_WITHIN)
            .connect_lazy_with(options.clone())
    };
    // Requests: one committer, and readers. Inbox: the consumer's batch, a retry, a sweep, and who writes down what was heard. Relay:
    // one that deletes pointers while another reads on, the gauges', the janitor's, and who asks for our health. Its lock has its own.
    // Access: API keys that have to be looked up; whoever comes with a thousand wrong ones is in the way of the right ones only.
    let pools = Pools { requests: pool(10), inbox: pool(4), relay: pool(5), access: pool(2) };
    wait_for(&pools.requests).await?;
    Ok(pools)
}

async fn wait_for(pool: &PgPool) -> anyhow::Result<()> {
    patiently(async || pool.acquire().await.map(drop)).await.context("the database cannot be reached")
}

/// Does what a start needs, and does it again for a while when the database cannot do it *now*: it may be starting, or have no connection
/// to spare.
pub(crate) async fn patiently<T>(mut work: impl AsyncFnMut() -> sqlx::Result<T>) -> sqlx::Result<T> {
    let give_up_at = Instant::now() + START_WITHIN;
    loop {
        match work().await {
            Err(error) if is_transient(&error) && Instant::now() < give_up_at => {
                tracing::info!(%error, "waiting for the database: {error}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            ended => return ended,
        }
    }
}

/// The connection of a task that needs one again and again. The pool would ask the server twice whether it is still there, when it is
/// taken and when it is given back; and each one out of a pool has statements to prepare.
#[derive(Debug, Default)]
pub(crate) struct OwnConnection(Option<PoolConnection<Postgres>>);

impl OwnConnection {
    /// The one that was kept, or one of the pool's. It may have been cut in the meantime: then the first statement fails with an error
    /// that passes.
    pub(crate) async fn take(&mut self, pool: &PgPool) -> sqlx::Result<PoolConnection<Postgres>> {
        match self.0.take() {
            Some(kept) => Ok(kept),
            None => pool.acquire().await,
        }
    }

    /// Keeps it for the next time. Only after work that has succeeded: any other goes back to the pool, which looks what has become of it.
    pub(crate) fn keep(&mut self, connection: PoolConnection<Postgres>) {
        self.0 = Some(connection);
    }
}

/// How long a whole unit of work may take. Far above what the server lets a statement take, so only silence exceeds it: the
/// client's side of a connection has no keepalive of its own, and would wait for an answer for ever.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// Work on the database, given up when it takes so long that nobody can be there any more. That passes, like a cut connection.
pub(crate) async fn answered<T, E: From<sqlx::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(ANSWERED_WITHIN, work).await.unwrap_or_else(|_| {
        let silence = io::Error::new(io::ErrorKind::TimedOut, "the database has not answered for a long time");
        Err(sqlx::Error::Io(silence).into())
    })
}

/// Whether somebody else held a lock for longer than was to be waited, or was in the way in another manner that passes.
pub(crate) fn is_in_the_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refused| refused.code());
    code.is_some_and(|code| ["55P03", "40001", "40P01", "57014"].contains(&code.as_ref()))
}

/// One moment for several statements that only read, each planned for the values it has: a list whose filters may all be absent would
/// otherwise have one plan for whatever is asked, and do without the indexes that only some of the filters can use.
///
/// # Errors
/// The database does not answer.
pub async fn list_snapshot(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    pool.begin_with("begin isolation level repeatable read read only; set local plan_cache_mode = force_custom_plan")
        .await
}

/// One value of each of many rows, as a column for `unnest`.
pub fn column<'a, R, C>(rows: &'a [R], of_row: impl Fn(&'a R) -> C) -> Vec<C> {
    rows.iter().map(of_row).collect()
}

/// Brings the schema up to date: the chassis' tables and the service's, each with a history of its own (two folders in one history
/// table would take each other's migrations for missing ones).
///
/// # Errors
/// What a migration says that cannot be carried out.
pub async fn migrate(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let mut chassis = sqlx::migrate!();
    chassis.dangerous_set_table_name("_chassis_migrations");
    let mut connection = patiently(async || pool.acquire().await).await.context("the database cannot be reached")?;
    chassis.run(&mut *connection).await.context("the chassis' tables could not be brought up to date")?;
    service.run(&mut *connection).await.context("the service's tables could not be brought up to date")?;
    Ok(())
}
