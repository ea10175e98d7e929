//! `/consumer` and `/lanes`: what this instance sees of the way to the other side, for whoever compares both.

use axum::{Router, extract::State, routing::get};
use http::StatusCode;
use serde::Serialize;
use shared_events::OrderId;
use sqlx::PgPool;

use super::{answer::Answer, parameters::Parameters, problem::Problem, stuck::read_orders};
use crate::{
    access::{Rule, Scope},
    database::list_snapshot,
    messaging::{
        Lookout,
        lane::{self, Lane},
    },
};

/// Who may see it.
pub(crate) const RULES: &[Rule] =
    &[Rule::new("GET", "/consumer", &[Scope::Operator]), Rule::new("GET", "/lanes", &[Scope::Operator])];

#[derive(Clone)]
struct Sight {
    pool: PgPool,
    lookout: Lookout,
}

#[derive(Serialize)]
struct LaneView {
    order_id: OrderId,
    #[serde(flatten)]
    lane: Lane,
}

#[derive(Serialize)]
struct Lanes {
    items: Vec<LaneView>,
}

/// The routes.
pub fn routes(pool: PgPool, lookout: Lookout) -> Router {
    Router::new().route("/consumer", get(consumer)).route("/lanes", get(lanes)).with_state(Sight { pool, lookout })
}

/// `GET /consumer`
async fn consumer(State(sight): State<Sight>) -> Answer {
    Answer::json(StatusCode::OK, &sight.lookout.look().await)
}

/// `GET /lanes?order_id=a,b,c`: of each order that was asked for, in that order.
async fn lanes(State(sight): State<Sight>, mut asked: Parameters) -> Result<Answer, Problem> {
    let orders = read_orders(&mut asked);
    asked.finish()?;
    let mut snapshot = list_snapshot(&sight.pool).await?;
    let mut lanes = lane::lanes(&mut snapshot, &orders).await?;
    snapshot.rollback().await?;
    let view = |order_id| LaneView { order_id, lane: lanes.remove(&order_id).unwrap_or_default() };
    Ok(Answer::json(StatusCode::OK, &Lanes { items: orders.into_iter().map(view).collect() }))
}
