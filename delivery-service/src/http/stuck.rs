//! Deliveries that wait, and why.

use axum::extract::State;
use chassis::Api;
use chassis::http::stuck::{StuckPage, Waiter};
use chassis::http::{Answer, Parameters, Problem};
use chassis::list_snapshot;
use chassis::messaging::stuck::Wait;

use super::journey::waiting;
use crate::domain::{Attention, Delivery};
use crate::requests::Request;
use crate::store::{self, Transition};

/// `GET /stuck`
pub(super) async fn list(State(api): State<Api<Request>>, asked: Parameters) -> Result<Answer, Problem> {
    let page = StuckPage::read(asked)?;
    let mut snapshot = list_snapshot(&api.pool).await?;
    let lying = page.lying_here(&mut snapshot).await?;
    let known = store::waiting(&mut snapshot, page.which(), &lying).await?;
    let waiters = known.iter().map(|(delivery, transitions)| waiter(delivery, transitions)).collect();
    Ok(page.answer(snapshot, &api.lookout, waiters, lying).await?)
}

fn waiter(delivery: &Delivery, transitions: &[Transition]) -> Waiter {
    let until = delivery.deadline;
    Waiter {
        order_id: delivery.order_id,
        status: delivery.status.name(),
        since: transitions.last().map(|last| last.at),
        waiting_for: waiting(delivery),
        attention: delivery.attention.map(Attention::name),
        wait: delivery.waiting_for().map_or(Wait::Nothing, |_| Wait::Person { until }),
    }
}
