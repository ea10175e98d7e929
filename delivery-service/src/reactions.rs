//! What the order side announced: load → react → save, a batch at a time. The saga, from here.

use std::collections::{BTreeSet, HashMap};

use chassis::{Effect, Failure, Incoming, Reactions, Tx, clock, messaging::recall::Lost};
use shared_events::{Cause, DeliveryFailed, Event, OrderCompleted, OrderId, Stamp, Version};
use tracing::warn;

use crate::domain::{Decision, Delivery, Destination, Plan, Status, Terms};
use crate::store::{self, Changes, Made, Origin, Stored};

/// Reacts to orders.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryReactions {
    /// What was settled with the couriers.
    pub terms: Terms,
}

impl Reactions for DeliveryReactions {
    async fn react(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<(), Failure> {
        self.apply(tx, events).await.map(drop)
    }

    async fn rehearse(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<Vec<Effect>, Failure> {
        Ok(self.apply(tx, events).await?.iter().map(effect).collect())
    }

    async fn recall(&self, tx: &mut Tx<'_>, lost: &Lost) -> Result<Version, Failure> {
        self.rebuild(tx, lost).await
    }

    /// There will be no delivery, and the order side is told so: it gives money and stock back, as for any other refusal.
    async fn give_up(&self, tx: &mut Tx<'_>, order_id: OrderId, stamp: Stamp, cause: Cause) -> Result<bool, Failure> {
        let decision = Delivery::give_up(order_id, stamp).due(&self.terms);
        let made = vec![Made { decision, number: 1, origin: Origin::GivenUp, cause }];
        store::save(tx, &Changes { made, ..Changes::default() }).await?;
        Ok(true)
    }
}

impl DeliveryReactions {
    /// One event after the other, as it was announced.
    async fn rebuild(&self, tx: &mut Tx<'_>, lost: &Lost) -> Result<Version, Failure> {
        let order = lost.others.iter().find_map(|other| completed(&other.event));
        let mut seen = Version::NONE;
        for announced in &lost.own {
            let order_id = announced.order_id;
            let before = store::lock_deliveries(tx, &[], &[order_id]).await?.pop();
            let number = before.as_ref().map_or(1, |stored| stored.changes + 1);
            let delivery = before.map(|stored| stored.delivery);
            let plan =
                store::load_plan(tx, &[], &zones(&announced.event, delivery.as_ref()), clock::now().date_naive())
                    .await?;
            store::lock_couriers(tx, &couriers(&announced.event, delivery.as_ref())).await?;
            let decision = Delivery::recall(delivery, (order_id, &announced.event), order, &plan, clock::stamp());
            let decision = decision.map_err(|why| Failure::Permanent(why.into()))?.due(&self.terms);
            // The first word about an order tells that its first event was taken in, also where that could not be applied.
            let first = delivery_begins(&announced.event).then_some(Version::NONE.next());
            let version = lost.version_of_cause(announced).or(first);
            seen = version.map_or(seen, |version| seen.max(version));
            let made = Made { decision, number, origin: Origin::Recalled { version }, cause: announced.cause.clone() };
            store::save(tx, &Changes { made: vec![made], ..Changes::default() }).await?;
        }
        Ok(seen)
    }

    async fn apply(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> Result<Vec<Made>, Failure> {
        let deliveries = lock_deliveries(tx, events).await?;
        let mut plan = load_plan(tx, events, &deliveries).await?;
        lock_couriers(tx, events, &deliveries).await?;
        let made = play(events, deliveries, &mut plan, &self.terms);
        let changes = Changes { made, ..Changes::default() };
        store::save(tx, &changes).await?;
        Ok(changes.made)
    }
}

fn completed(event: &Event) -> Option<&OrderCompleted> {
    match event {
        Event::OrderCompleted(order) => Some(order),
        Event::OrderCancelled(_)
        | Event::DeliveryCreated(_)
        | Event::DeliveryFailed(_)
        | Event::DeliveryCancelled(_)
        | Event::DeliveryDispatched(_)
        | Event::DeliveryCompleted(_) => None,
    }
}

/// Whether this is the answer to an order's first event.
fn delivery_begins(event: &Event) -> bool {
    matches!(event, Event::DeliveryCreated(_) | Event::DeliveryFailed(DeliveryFailed::Creation { .. }))
}

/// Where a place is taken, or may be given back.
fn zones(event: &Event, delivery: Option<&Delivery>) -> BTreeSet<String> {
    let had = delivery.and_then(|delivery| delivery.slot.as_ref()).map(|slot| slot.zone.clone());
    let new = if let Event::DeliveryCreated(created) = event { Some(created.slot.zone.clone()) } else { None };
    had.into_iter().chain(new).collect()
}

/// Whose load changes.
fn couriers(event: &Event, delivery: Option<&Delivery>) -> BTreeSet<String> {
    let had = delivery.and_then(|delivery| delivery.courier.clone());
    let new = if let Event::DeliveryDispatched(gone) = event { Some(gone.courier.clone()) } else { None };
    had.into_iter().chain(new).collect()
}

/// This side has no money to move.
fn effect(made: &Made) -> Effect {
    let status = made.decision.delivery.status;
    let change = match made.decision.anomaly {
        Some(_) => format!("an anomaly: the delivery stays {status}"),
        None => format!("the delivery is {status}"),
    };
    Effect { change, money: vec![] }
}

/// What there is about these orders already. An order that is new has nothing yet.
async fn lock_deliveries(tx: &mut Tx<'_>, events: &[Incoming]) -> sqlx::Result<HashMap<OrderId, Stored>> {
    let old = events.iter().filter(|event| !event.order_is_new);
    let orders: BTreeSet<OrderId> = old.map(|event| event.envelope.order_id).collect();
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let known = store::lock_deliveries(tx, &[], &orders).await?;
    Ok(known.into_iter().map(|stored| (stored.delivery.order_id, stored)).collect())
}

/// One event after the other, each seeing what the ones before it left.
fn play(events: &[Incoming], mut deliveries: HashMap<OrderId, Stored>, plan: &mut Plan, terms: &Terms) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::with_capacity(events.len());
    let mut last: HashMap<OrderId, usize> = HashMap::with_capacity(events.len());
    for event in events {
        let order_id = event.envelope.order_id;
        let before = match last.insert(order_id, made.len()) {
            Some(at) => Some(made[at].stored()),
            None => deliveries.remove(&order_id),
        };
        made.push(react(event, before, plan, terms));
    }
    made
}

fn react(event: &Incoming, before: Option<Stored>, plan: &mut Plan, terms: &Terms) -> Made {
    let Incoming { envelope, stamp, .. } = event;
    let (decision, number) = match before {
        None => (Delivery::begin(envelope.order_id, &envelope.event, plan, *stamp), 1),
        Some(stored) => (given_back(stored.delivery.react(&envelope.event, *stamp), plan), stored.changes + 1),
    };
    let origin = Origin::Event { id: envelope.id, kind: envelope.event.kind(), version: envelope.version };
    let made = Made { decision: decision.due(terms), number, origin, cause: envelope.as_cause() };
    warn_of_anomaly(&made);
    made
}

/// A place given back is there for the next order of the same batch.
fn given_back(decision: Decision, plan: &mut Plan) -> Decision {
    decision.slot.iter().for_each(|change| plan.apply(change));
    decision
}

fn warn_of_anomaly(made: &Made) {
    if let Some(anomaly) = made.decision.anomaly {
        let order_id = made.decision.delivery.order_id;
        let (kind, status) = (anomaly.kind, anomaly.status);
        warn!(%order_id, %kind, %status, cause = made.cause.id, "{kind} came for order {order_id}, whose delivery is {status}");
    }
}

/// The zones that new orders go to, and those in which a cancelled order has a place.
async fn load_plan(tx: &mut Tx<'_>, events: &[Incoming], deliveries: &HashMap<OrderId, Stored>) -> sqlx::Result<Plan> {
    let new: Vec<Destination<'_>> = events
        .iter()
        .filter(|event| !deliveries.contains_key(&event.envelope.order_id))
        .filter_map(|event| destination(&event.envelope.event))
        .collect();
    let zones =
        cancellable(events, deliveries).filter_map(|delivery| Some(delivery.slot.as_ref()?.zone.clone())).collect();
    let today = events.iter().map(|event| event.stamp.at.date_naive()).min().unwrap_or_default();
    store::load_plan(tx, &new, &zones, today).await
}

/// Their loads are changed by difference, so it is the locks that are wanted, and their order.
async fn lock_couriers(
    tx: &mut Tx<'_>,
    events: &[Incoming],
    deliveries: &HashMap<OrderId, Stored>,
) -> sqlx::Result<()> {
    let couriers = cancellable(events, deliveries).filter_map(|delivery| delivery.courier.clone()).collect();
    store::lock_couriers(tx, &couriers).await.map(drop)
}

/// The deliveries that this batch may cancel.
fn cancellable<'a>(
    events: &'a [Incoming],
    deliveries: &'a HashMap<OrderId, Stored>,
) -> impl Iterator<Item = &'a Delivery> {
    let cancels = |event: &&Incoming| is_cancellation(&event.envelope.event);
    let delivery = |event: &Incoming| deliveries.get(&event.envelope.order_id).map(|stored| &stored.delivery);
    events.iter().filter(cancels).filter_map(delivery).filter(|delivery| delivery.status == Status::Scheduled)
}

fn is_cancellation(event: &Event) -> bool {
    event.kind() == shared_events::EventKind::OrderCancelled
}

fn destination(event: &Event) -> Option<Destination<'_>> {
    match event {
        Event::OrderCompleted(order) => Some((&order.delivery_address).into()),
        Event::OrderCancelled(_)
        | Event::DeliveryCreated(_)
        | Event::DeliveryFailed(_)
        | Event::DeliveryCancelled(_)
        | Event::DeliveryDispatched(_)
        | Event::DeliveryCompleted(_) => None,
    }
}
