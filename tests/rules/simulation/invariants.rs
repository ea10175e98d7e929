//! The invariants of `docs/saga.md`, added up from what was saved and sent, without asking either domain.

use std::collections::{BTreeMap, BTreeSet};

use delivery_service::domain::{Delivery, Status as DeliveryStatus};
use order_service::domain::{Order, Status, TransferKind};
use shared_events::{DeliveryFailed, Event, EventKind, OrderId, Topic, Version};

use super::{
    delivery_side::{PARCELS_A_COURIER, PLACES_A_DAY},
    order_side::ARTICLES,
    world::World,
};

/// Which invariants were broken, and what the first evidence was.
#[derive(Debug, Default, Clone)]
pub struct Violations(pub BTreeMap<&'static str, String>);

impl Violations {
    fn unless(&mut self, holds: bool, invariant: &'static str, evidence: impl FnOnce() -> String) {
        if !holds {
            self.0.entry(invariant).or_insert_with(evidence);
        }
    }
}

/// What must be true at every moment.
pub fn check_always(world: &World, found: &mut Violations) {
    for (order_id, order) in &world.order_side.orders {
        let delivery = world.delivery_side.deliveries.get(order_id);
        check_money(world, order, found);
        check_both_sides(world, order, delivery, found);
        let waits = order.waiting_for().is_some();
        let ends = order.deadline.is_some() || order.attention.is_some();
        found.unless(waits == ends, "I1", || {
            format!("{}: {:?}, {:?}", about(world, order), order.deadline, order.attention)
        });
    }
    for delivery in world.delivery_side.deliveries.values() {
        let waits = delivery.waiting_for().is_some();
        let ends = delivery.deadline.is_some() || delivery.attention.is_some();
        found.unless(waits == ends, "I1", || format!("{delivery:?}"));
    }
    check_stock(world, found);
    check_places(world, found);
    world.delivery_side.deliveries.values().for_each(|delivery| check_attempts(world, delivery, found));
    check_applied(world, found);
    let anomalies = world.order_side.anomalies.iter().chain(&world.delivery_side.anomalies);
    for anomaly in anomalies {
        found.unless(false, "no anomaly", || anomaly.clone());
    }
    let named = &world.delivery_side.full_alternatives;
    found.unless(named.is_empty(), "other days have room", || named.join("; "));
}

/// The order's name and all that is known of it, as evidence.
fn about(world: &World, order: &Order) -> String {
    let ledger: Vec<_> = world.order_side.ledger.iter().filter(|(id, _, _)| *id == order.id).collect();
    format!("{} is {}, its ledger {ledger:?}", world.name(order.id), order.status)
}

/// How much of a kind was moved for an order, and how often.
fn moved(world: &World, order_id: OrderId, kind: TransferKind) -> (i64, usize) {
    let rows = world.order_side.ledger.iter().filter(|(id, one, _)| *id == order_id && *one == kind);
    rows.fold((0, 0), |(sum, times), (_, _, amount)| (sum + amount, times + 1))
}

fn check_money(world: &World, order: &Order, found: &mut Violations) {
    let total = total(world, order.id);
    let [hold, capture, void, refund] =
        [TransferKind::Hold, TransferKind::Capture, TransferKind::Void, TransferKind::Refund]
            .map(|kind| moved(world, order.id, kind));
    let kept = capture.0 - refund.0;
    let owed = match order.status {
        Status::Completed | Status::Cancelled | Status::Returned => kept == 0,
        Status::Cancelling => kept == 0 || kept == total,
        Status::Confirmed | Status::InDelivery | Status::Delivered => kept == total,
    };
    found.unless(owed && order.total_minor == total && hold == (total, 1), "I2", || about(world, order));
    // What was held is captured or voided in the end, and never both.
    let has_ended = matches!(order.status, Status::Cancelled | Status::Returned | Status::Delivered);
    let settled = capture.0 + void.0;
    found.unless(settled <= total && (!has_ended || settled == total), "I2", || about(world, order));
    let at_most_once = [capture, void, refund].iter().all(|(_, times)| *times <= 1);
    found.unless(at_most_once && refund.0 <= capture.0, "I3", || about(world, order));
}

/// The sum of the items, from the price list of the test.
fn total(world: &World, order_id: OrderId) -> i64 {
    let price = |sku: &str| ARTICLES.iter().find(|(name, _, _)| *name == sku).map_or(0, |(_, price, _)| *price);
    let items = &world.order_side.placed[&order_id].items;
    items.iter().map(|item| price(&item.sku) * i64::from(item.quantity)).sum()
}

fn check_both_sides(world: &World, order: &Order, delivery: Option<&Delivery>, found: &mut Violations) {
    let still_moving = delivery.is_some_and(|delivery| {
        use DeliveryStatus::{Delivered, Dispatched, Scheduled};
        matches!(delivery.status, Scheduled | Dispatched | Delivered)
    });
    let gave_up = matches!(order.status, Status::Cancelled | Status::Returned);
    let refunded = moved(world, order.id, TransferKind::Refund).1 > 0;
    let is_broken = (gave_up && still_moving) || (order.status == Status::Delivered && refunded);
    found.unless(!is_broken, "I4", || format!("{}; its delivery {delivery:?}", about(world, order)));
}

fn check_stock(world: &World, found: &mut Violations) {
    for (sku, shelf) in &world.order_side.shelves {
        let of = |which: &dyn Fn(&Order) -> bool| -> i64 {
            let orders = world.order_side.orders.values().filter(|order| which(order));
            let items = orders.flat_map(|order| &world.order_side.placed[&order.id].items);
            items.filter(|item| item.sku == *sku).map(|item| i64::from(item.quantity)).sum()
        };
        let open = of(&|order| !matches!(order.status, Status::Delivered | Status::Cancelled | Status::Returned));
        let shipped = of(&|order| order.status == Status::Delivered);
        let lost = of(&|order| order.status == Status::Returned && is_lost(world, order.id));
        let holds = shelf.on_hand + shelf.shipped + shelf.written_off == shelf.received
            && shelf.on_hand - shelf.reserved >= 0
            && (shelf.reserved, shelf.shipped, shelf.written_off) == (open, shipped, lost);
        found.unless(holds, "I5", || format!("{sku}: {shelf:?}; open {open}, shipped {shipped}, lost {lost}"));
    }
}

/// Whether the delivery side announced that the goods will not come back.
fn is_lost(world: &World, order_id: OrderId) -> bool {
    use shared_events::Goods::{Damaged, Lost};
    world.delivery_side.outbox.announced(order_id).any(|envelope| {
        matches!(&envelope.event, Event::DeliveryFailed(DeliveryFailed::Transit { goods: Lost | Damaged, .. }))
    })
}

fn check_places(world: &World, found: &mut Violations) {
    let side = &world.delivery_side;
    for (slot, taken) in &side.taken {
        let in_it = side.deliveries.values().filter(|delivery| delivery.slot.as_ref() == Some(slot));
        let counted = i64::try_from(in_it.filter(|delivery| holds_its_place(delivery)).count()).expect("few");
        let holds = *taken == counted && counted <= PLACES_A_DAY;
        found.unless(holds, "I6", || format!("{slot:?}: {taken} taken, {counted} counted"));
    }
    for (courier, load) in &side.loads {
        let carries = |delivery: &&Delivery| {
            let is_open = matches!(delivery.status, DeliveryStatus::Scheduled | DeliveryStatus::Dispatched);
            is_open && delivery.courier.as_ref() == Some(courier)
        };
        let carried = i64::try_from(side.deliveries.values().filter(carries).count()).expect("few");
        let holds = *load == carried && carried <= PARCELS_A_COURIER;
        found.unless(holds, "I6", || format!("{courier}: load {load}, carries {carried}"));
    }
}

/// Each attempt leads from the day of the one before it to a later one, the last to the slot or back home; and the day that the
/// customer was told stays.
fn check_attempts(world: &World, delivery: &Delivery, found: &mut Violations) {
    let numbered = delivery.attempts.iter().zip(1..).all(|(attempt, number)| attempt.number == number);
    let days: Vec<_> = delivery.attempts.iter().map(|attempt| (attempt.date, attempt.next_date)).collect();
    let joined = days.windows(2).all(|pair| pair[0].1 == Some(pair[1].0));
    let later = days.iter().all(|(date, next)| next.is_none_or(|next| next > *date));
    let leads_to = days.last().map(|(_, next)| *next);
    let slot = delivery.slot.as_ref().map(|slot| slot.date);
    let ends = match delivery.status {
        DeliveryStatus::Dispatched | DeliveryStatus::Delivered => leads_to.is_none_or(|next| next == slot),
        DeliveryStatus::Failed => leads_to.is_none_or(|next| next.is_none() || next == slot),
        DeliveryStatus::Void | DeliveryStatus::Refused | DeliveryStatus::Scheduled | DeliveryStatus::Cancelled => {
            days.is_empty()
        }
    };
    let few = days.len() <= usize::try_from(world.delivery_side.max_attempts).expect("few");
    let told = world.delivery_side.outbox.announced(delivery.order_id).find_map(|envelope| match &envelope.event {
        Event::DeliveryCreated(created) => Some(created.promised_date),
        Event::OrderCompleted(_)
        | Event::OrderCancelled(_)
        | Event::DeliveryFailed(_)
        | Event::DeliveryCancelled(_)
        | Event::DeliveryDispatched(_)
        | Event::DeliveryCompleted(_) => None,
    });
    let holds = numbered && joined && later && ends && few && told == delivery.promised_date();
    found.unless(holds, "I6", || format!("the attempts of {delivery:?}, told {told:?}"));
}

fn holds_its_place(delivery: &Delivery) -> bool {
    match delivery.status {
        DeliveryStatus::Scheduled | DeliveryStatus::Dispatched | DeliveryStatus::Delivered => true,
        DeliveryStatus::Failed => matches!(delivery.failure, Some(DeliveryFailed::Transit { .. })),
        DeliveryStatus::Void | DeliveryStatus::Refused | DeliveryStatus::Cancelled => false,
    }
}

/// Nothing is applied twice, and what is applied of an order is applied in order.
fn check_applied(world: &World, found: &mut Violations) {
    for inbox in [&world.order_side.inbox, &world.delivery_side.inbox] {
        let mut last: BTreeMap<OrderId, Version> = BTreeMap::new();
        for (order_id, version) in &inbox.applied {
            let before = last.insert(*order_id, *version).unwrap_or_default();
            found.unless(before < *version, "I10", || {
                format!("version {version} of {} is applied after version {before}", world.name(*order_id))
            });
        }
    }
}

/// What must be true once everything was sent, read and finished.
pub fn check_at_rest(world: &mut World, found: &mut Violations) {
    for topic in [Topic::Orders, Topic::Deliveries] {
        let (unsent, waiting) = (world.offered(topic), world.reader(topic).parked());
        found.unless(unsent.is_empty() && waiting.is_empty(), "I1", || {
            format!("{topic}: unsent {unsent:?}, parked {waiting:?}")
        });
        check_published(world, topic, found);
    }
    for (order_id, order) in &world.order_side.orders {
        let delivery = world.delivery_side.deliveries.get(order_id);
        let has_ended = matches!(order.status, Status::Delivered | Status::Cancelled | Status::Returned);
        found.unless(has_ended, "I1", || about(world, order));
        found.unless(delivery.is_some(), "I7", || about(world, order));
        check_answers(world, order, found);
    }
    let known: BTreeSet<_> = world.order_side.orders.keys().collect();
    let unknown = world.delivery_side.deliveries.keys().find(|order_id| !known.contains(order_id));
    found.unless(unknown.is_none(), "I7", || format!("a delivery of nothing: {unknown:?}"));
}

/// The first time each version of an order was published, they were published in order and without a hole.
fn check_published(world: &World, topic: Topic, found: &mut Violations) {
    let mut last: BTreeMap<OrderId, Version> = BTreeMap::new();
    for envelope in &world.lane(topic).records {
        let before = last.entry(envelope.order_id).or_default();
        let holds = envelope.version <= before.next();
        found.unless(holds, "I8", || format!("{topic}: {} after {before}", envelope.version));
        *before = envelope.version.max(*before);
    }
}

fn check_answers(world: &World, order: &Order, found: &mut Violations) {
    let asked = count(world.order_side.outbox.announced(order.id).map(|envelope| &envelope.event));
    let answers = count(world.delivery_side.outbox.announced(order.id).map(|envelope| &envelope.event));
    let times = |kind| answers.get(&kind).copied().unwrap_or_default();
    let was_cancelled = asked.contains_key(&EventKind::OrderCancelled);
    let refused = world
        .delivery_side
        .outbox
        .announced(order.id)
        .any(|envelope| matches!(&envelope.event, Event::DeliveryFailed(DeliveryFailed::Creation { .. })));
    let outcomes = times(EventKind::DeliveryCreated) + usize::from(refused);
    let is_void = was_cancelled && times(EventKind::DeliveryCreated) == 0 && times(EventKind::DeliveryCancelled) == 1;
    let one_outcome = outcomes == 1 || (outcomes == 0 && is_void);
    // A race is ended by being cancelled, by failing before the pivot, or by passing it.
    let failed_in_transit = times(EventKind::DeliveryDispatched) == 1 && times(EventKind::DeliveryFailed) == 1;
    let ended_by =
        times(EventKind::DeliveryCancelled) + times(EventKind::DeliveryDispatched) + times(EventKind::DeliveryFailed)
            - usize::from(failed_in_transit);
    let one_answer = ended_by == 1 && (was_cancelled || times(EventKind::DeliveryCancelled) == 0);
    found.unless(one_outcome && one_answer, "I9", || {
        format!("{}; asked {asked:?}, answers {answers:?}", about(world, order))
    });
}

fn count<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<EventKind, usize> {
    let mut counts = BTreeMap::new();
    events.for_each(|event| *counts.entry(event.kind()).or_default() += 1);
    counts
}
