//! `/health/live`: the process runs. `/health/ready`: it can do its work now.

use std::time::Duration;

use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::messaging::Standing;

const DATABASE_WITHIN: Duration = Duration::from_secs(1);

/// What readiness is judged by. Migration is not among it: nothing is served before it is done.
#[derive(Debug, Clone)]
pub struct Health {
    /// To ask the database.
    pub pool: PgPool,
    /// How many partitions the consumer reads; none before it has an assignment.
    pub partitions: watch::Receiver<Option<usize>>,
    /// What the relay does.
    pub relay: watch::Receiver<Standing>,
    /// Set once the service is told to stop.
    pub stopping: CancellationToken,
}

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    stopping: bool,
    database: &'static str,
    partitions: Option<usize>,
    relay: &'static str,
}

/// The routes.
pub fn routes(health: Health) -> Router {
    Router::new()
        .route("/health/live", get(|| async { Json(serde_json::json!({ "live": true })) }))
        .route("/health/ready", get(ready))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Readiness>) {
    let answered = tokio::time::timeout(DATABASE_WITHIN, sqlx::query_scalar!("select 1").fetch_one(&health.pool)).await;
    let database = if matches!(answered, Ok(Ok(_))) { "answers" } else { "away" };
    let partitions = *health.partitions.borrow();
    let standing = *health.relay.borrow();
    let relay = standing.name();
    let stopping = health.stopping.is_cancelled();
    let ready = !stopping && database == "answers" && partitions.is_some() && standing != Standing::Down;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, stopping, database, partitions, relay }))
}
