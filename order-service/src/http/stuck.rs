//! Orders that wait, and why.

use std::sync::Arc;

use axum::extract::State;
use chassis::{
    http::{
        Answer, Parameters, Problem,
        stuck::{StuckPage, Waiter},
    },
    list_snapshot,
    messaging::stuck::Wait,
};

use super::{Shop, journey::waiting};
use crate::{
    domain::{Attention, Order, WaitingFor},
    store::{self, Known},
};

/// `GET /stuck`
pub(super) async fn list(State(shop): State<Arc<Shop>>, asked: Parameters) -> Result<Answer, Problem> {
    let page = StuckPage::read(asked)?;
    let mut snapshot = list_snapshot(&shop.api.pool).await?;
    let lying = page.lying_here(&mut snapshot).await?;
    let known = store::waiting(&mut snapshot, page.which(), &lying).await?;
    let waiters = known.iter().map(waiter).collect();
    Ok(page.answer(snapshot, &shop.api.lookout, waiters, lying).await?)
}

fn waiter(known: &Known) -> Waiter {
    let order = &known.order;
    let here = known.history.iter().rev().take_while(|line| line.status == order.status);
    Waiter {
        order_id: order.id,
        status: order.status.name(),
        since: here.last().map(|line| line.at),
        waiting_for: waiting(order),
        attention: order.attention.map(Attention::name),
        wait: wait(order),
    }
}

fn wait(order: &Order) -> Wait {
    match order.waiting_for() {
        None => Wait::Nothing,
        Some(WaitingFor::DeliveryOutcome) => Wait::Peer,
        Some(WaitingFor::CancellationAnswer) => {
            Wait::Undoing { asked: order.cancellation_asked, is_flagged: order.attention.is_some() }
        }
        Some(WaitingFor::Dispatch | WaitingFor::Delivery) => Wait::Person { until: order.deadline },
    }
}
