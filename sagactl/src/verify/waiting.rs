//! I1: every order has ended, or it is known what it waits for. Pure: one saga at a time.

use super::report::{Finding, Invariant, WaitingFor};
use super::sides::Saga;

/// How an order stands.
pub(super) enum Standing {
    Ended,
    Waiting(WaitingFor),
    /// Nothing will ever move it.
    Stuck(Finding),
}

/// How the order of this saga stands; none if order-service has no such order.
pub(super) fn standing(saga: &Saga) -> Option<Standing> {
    let order = saga.order.as_ref()?;
    if ["delivered", "cancelled", "returned"].contains(&order.status.as_str()) {
        return Some(Standing::Ended);
    }
    Some(match event_to_come(saga).or_else(|| person_to_act(&order.status, saga.delivery_status())) {
        Some(cause) => Standing::Waiting(cause),
        None => Standing::Stuck(saga.finding(Invariant::I1, stuck(saga, &order.status))),
    })
}

/// What is parked comes first: somebody may have to act, and everything behind it waits.
fn event_to_come(saga: &Saga) -> Option<WaitingFor> {
    let (here, there) = (&saga.at_orders, &saga.at_deliveries);
    let causes = [
        (!there.parked.is_empty(), WaitingFor::ParkedAtDeliveryService),
        (!here.parked.is_empty(), WaitingFor::ParkedAtOrderService),
        (!here.unsent.is_empty(), WaitingFor::RelayOfOrderService),
        (!there.unsent.is_empty(), WaitingFor::RelayOfDeliveryService),
        (here.on_the_way_to(there).next().is_some(), WaitingFor::OnTheWayToDeliveryService),
        (there.on_the_way_to(here).next().is_some(), WaitingFor::OnTheWayToOrderService),
    ];
    causes.into_iter().find_map(|(applies, cause)| applies.then_some(cause))
}

fn person_to_act(order_status: &str, delivery_status: &str) -> Option<WaitingFor> {
    match (order_status, delivery_status) {
        ("confirmed", "scheduled") => Some(WaitingFor::Dispatch),
        ("in_delivery", "dispatched") => Some(WaitingFor::HandOver),
        _ => None,
    }
}

fn stuck(saga: &Saga, status: &str) -> String {
    let (here, there) = (&saga.at_orders, &saga.at_deliveries);
    let last = |versions: &[i64]| versions.iter().max().copied().unwrap_or(0);
    format!(
        "is {status}, its delivery is {}, and no event is to come: order-service announced {} and has seen {}, \
         delivery-service announced {} and has seen {}",
        saga.delivery_status(),
        last(&here.announced),
        here.seen,
        last(&there.announced),
        there.seen
    )
}
