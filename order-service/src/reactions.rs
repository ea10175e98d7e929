//! What the delivery side announced: load → react → save.

use std::collections::{BTreeSet, HashMap};

use chassis::{
    Effect, Failure, Incoming, Reactions, Tx, clock,
    messaging::recall::Lost,
    planted::{Bug, planted},
};
use shared_events::{Cause, Event, Money, OrderId, Stamp, Version};
use tracing::warn;

use crate::{
    domain::{Order, Status, StockState, Terms, Transfer},
    store::{self, Arrived, Saved},
};

/// The saga, from the order side.
#[derive(Debug, Clone, Copy)]
pub struct OrderReactions {
    /// How long an order waits for what.
    pub terms: Terms,
}

impl Reactions for OrderReactions {
    async fn react(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<(), Failure> {
        self.apply(tx, events).await.map(drop)
    }

    async fn rehearse(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<Vec<Effect>, Failure> {
        Ok(self.apply(tx, events).await?.iter().map(effect).collect())
    }

    async fn recall(&self, tx: &mut Tx<'_>, lost: &Lost) -> Result<Version, Failure> {
        self.rebuild(tx, lost).await.map(|()| Version::NONE)
    }

    /// Whatever the delivery side has said has to be taken in as it is: nobody can answer in its place.
    async fn give_up(&self, _: &mut Tx<'_>, _: OrderId, _: Stamp, _: Cause) -> Result<bool, Failure> {
        Ok(false)
    }
}

impl OrderReactions {
    /// One event after the other, as it was announced. What the delivery side has said is not looked at: it comes again by itself.
    async fn rebuild(&self, tx: &mut Tx<'_>, lost: &Lost) -> Result<(), Failure> {
        for announced in &lost.own {
            let order_id = announced.order_id;
            let before = store::lock_orders(tx, &[order_id]).await?.remove(&order_id);
            let mut catalogue = store::load_products(tx, &skus(&announced.event)).await?.into_iter().collect();
            let status = before.as_ref().map(|order| order.status);
            let stamp = clock::stamp();
            let fact = (order_id, &announced.event, announced.time);
            let decision = Order::recall(before, fact, &mut catalogue, stamp);
            let decision = decision.map_err(|why| Failure::Permanent(why.into()))?.due(&self.terms);
            let saved = Saved { before: status, decision, stamp, cause: announced.cause.clone(), event: None };
            store::save(tx, &[saved], &[]).await?;
        }
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<Vec<Saved>, Failure> {
        let ids: Vec<OrderId> =
            events.iter().map(|event| event.envelope.order_id).collect::<BTreeSet<_>>().into_iter().collect();
        let orders = store::lock_orders(tx, &ids).await?;
        let saved = play(orders, events, &self.terms)?;
        #[cfg(feature = "planted-bugs")]
        let saved = store::refund_at_once(saved).await?;
        store::lock_products(tx, &moved(&saved)).await?;
        store::save(tx, &saved, &[]).await?;
        Ok(saved)
    }
}

/// The articles of an order that is placed, each once.
fn skus(event: &Event) -> Vec<String> {
    let items = match event {
        Event::OrderCompleted(completed) => completed.items.as_slice(),
        Event::OrderCancelled(_)
        | Event::DeliveryCreated(_)
        | Event::DeliveryFailed(_)
        | Event::DeliveryCancelled(_)
        | Event::DeliveryDispatched(_)
        | Event::DeliveryCompleted(_) => &[],
    };
    items.iter().map(|item| item.sku.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn effect(saved: &Saved) -> Effect {
    let Saved { before, decision, .. } = saved;
    let (status, currency) = (decision.order.status, decision.order.currency);
    let change = match (decision.anomaly, before) {
        (Some(_), _) => format!("an anomaly: the order stays {status}"),
        (None, Some(before)) if *before != status => format!("{before} → {status}"),
        (None, Some(_) | None) => format!("the order stays {status}"),
    };
    let moved =
        |transfer: &Transfer| format!("{} {}", transfer.kind.name(), Money::new(transfer.amount_minor, currency));
    Effect { change, money: decision.transfers.iter().map(moved).collect() }
}

/// Plays the events one after the other. Two of one order meet the order as the first has left it.
fn play(mut orders: HashMap<OrderId, Order>, events: &[Incoming], terms: &Terms) -> Result<Vec<Saved>, Failure> {
    let mut saved = Vec::with_capacity(events.len());
    let mut unknown = Vec::new();
    for Incoming { envelope, stamp, .. } in events {
        let Some(order) = orders.remove(&envelope.order_id) else {
            unknown.push(envelope.order_id);
            continue;
        };
        let before = Some(order.status);
        let is_failure = matches!(envelope.event, Event::DeliveryFailed(_));
        if planted(Bug::FailureIgnored) && is_failure && order.status == Status::Cancelling {
            orders.insert(envelope.order_id, order);
            continue;
        }
        let mut decision = order.react(&envelope.event, *stamp).due(terms);
        if planted(Bug::StockReleasedTwice) && decision.order.stock == StockState::Released {
            decision.stock.extend(decision.stock.clone());
        }
        if let Some(anomaly) = decision.anomaly {
            let (order_id, event, status) = (envelope.order_id, anomaly.event, anomaly.status);
            warn!(%order_id, %event, %status, "{event} cannot have happened to order {order_id}, which is {status}");
        }
        orders.insert(envelope.order_id, decision.order.clone());
        let event = Some(Arrived { id: envelope.id, version: envelope.version });
        saved.push(Saved { before, decision, stamp: *stamp, cause: envelope.as_cause(), event });
    }
    if unknown.is_empty() { Ok(saved) } else { Err(Failure::UnknownOrders(unknown)) }
}

/// The articles whose pieces move.
fn moved(saved: &[Saved]) -> Vec<String> {
    let moves = saved.iter().flat_map(|one| &one.decision.stock);
    moves.map(|moved| moved.sku.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}
