//! The journey of an order, as this side knows it.

use axum::extract::State;
use chassis::http::journey::{Journey, Step, Waiting};
use chassis::http::{Answer, Path, Problem};
use chassis::list_snapshot;
use chassis::messaging::lane;
use shared_events::OrderId;
use sqlx::PgPool;

use crate::domain::{Attention, Delivery, Terms, WaitingFor, outlook_of_none};
use crate::store;

/// What a journey is read from, and what may still come is judged by.
#[derive(Debug, Clone)]
pub(super) struct Journeys {
    pub pool: PgPool,
    pub terms: Terms,
}

/// `GET /orders/{id}/journey`
pub(super) async fn show(State(journeys): State<Journeys>, Path(order_id): Path<OrderId>) -> Result<Answer, Problem> {
    let mut snapshot = list_snapshot(&journeys.pool).await?;
    let found = store::journey_of(&mut snapshot, order_id).await?;
    let lane = lane::lane(&mut snapshot, order_id).await?;
    snapshot.rollback().await?;
    let (delivery, steps): (Option<Delivery>, Vec<Step>) =
        found.map_or((None, vec![]), |(it, steps)| (Some(it), steps));
    let delivery = delivery.as_ref();
    let journey = Journey {
        order_id,
        service: "delivery-service",
        status: delivery.map(|delivery| delivery.status.name()),
        steps,
        lane,
        waiting_for: delivery.and_then(waiting),
        attention: delivery.and_then(|delivery| delivery.attention).map(Attention::name),
        may_come: delivery.map_or_else(|| outlook_of_none(order_id), |delivery| delivery.outlook(journeys.terms)),
    };
    journey.answer()
}

pub(super) fn waiting(delivery: &Delivery) -> Option<Waiting> {
    let what = delivery.waiting_for().map(WaitingFor::name)?;
    Some(Waiting { what, until: delivery.deadline, extended: 0 })
}
