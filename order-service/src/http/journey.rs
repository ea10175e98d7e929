//! The journey of an order, as this side knows it.

use std::sync::Arc;

use axum::extract::State;
use chassis::{
    http::{
        Answer, Path, Problem,
        journey::{Journey, Step, Waiting},
    },
    list_snapshot,
    messaging::lane,
};
use shared_events::OrderId;

use super::Shop;
use crate::{
    domain::{Attention, Order, WaitingFor},
    store::{self, HistoryLine},
};

/// `GET /orders/{id}/journey`
pub(super) async fn show(State(shop): State<Arc<Shop>>, Path(order_id): Path<OrderId>) -> Result<Answer, Problem> {
    let mut snapshot = list_snapshot(&shop.api.pool).await?;
    let known = store::known(&mut *snapshot, &[order_id]).await?.pop();
    let lane = lane::lane(&mut snapshot, order_id).await?;
    snapshot.rollback().await?;
    let order = known.as_ref().map(|known| &known.order);
    let history = known.iter().flat_map(|known| &known.history);
    let journey = Journey {
        order_id,
        service: "order-service",
        status: order.map(|order| order.status.name()),
        steps: history.zip(1..).map(|(line, number)| step(line, number)).collect(),
        lane,
        waiting_for: order.and_then(waiting),
        attention: order.and_then(|order| order.attention).map(Attention::name),
        may_come: order.map_or_else(Vec::new, Order::outlook),
    };
    journey.answer()
}

/// Lines are numbered from 1, without a hole.
fn step(line: &HistoryLine, number: i64) -> Step {
    Step {
        number,
        at: line.at,
        what: line.what.clone(),
        status: line.status.name(),
        cause_id: line.cause_id.clone(),
        event_version: line.event_version,
    }
}

pub(super) fn waiting(order: &Order) -> Option<Waiting> {
    let what = order.waiting_for().map(WaitingFor::name)?;
    Some(Waiting { what, until: order.deadline, extended: order.deadline_extended })
}
