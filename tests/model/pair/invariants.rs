//! The invariants of `docs/saga.md`, added up from what was saved and sent, without asking either domain.

use std::collections::{BTreeMap, BTreeSet};

use delivery_service::domain::{Delivery, Status as DeliveryStatus};
use order_service::domain::{Order, Status, TransferKind};
use shared_events::{DeliveryFailed, Event, EventKind, OrderId, Topic, Version};

use super::{
    Pair, TOPICS,
    delivery_side::{DeliverySide, PARCELS_A_COURIER, PLACES_A_DAY},
    held::Held,
    lane::Record,
    order_side::{ARTICLES, OrderSide},
    outbox::Outbox,
    side::Side,
};

/// Every name under which something is found.
pub const NAMES: [&str; 13] =
    ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "no anomaly", "other days have room"];

/// Both databases.
#[derive(Clone, Copy)]
pub struct Books<'a> {
    pub orders: &'a OrderSide,
    pub deliveries: &'a DeliverySide,
}

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

/// What must be true of both databases at every moment.
pub fn check_books(books: Books<'_>, found: &mut Violations) {
    for outbox in [books.orders.outbox(), books.deliveries.outbox()] {
        let twice = outbox.said_twice();
        found.unless(twice.is_none(), "I8", || format!("announced under one version: two events, {twice:?}"));
    }
    for (order_id, order) in &books.orders.orders {
        let delivery = books.deliveries.deliveries.get(order_id).map(AsRef::as_ref);
        check_money(books, order, found);
        check_both_sides(books, order, delivery, found);
        let waits = order.waiting_for().is_some();
        let ends = order.deadline.is_some() || order.attention.is_some();
        found.unless(waits == ends, "I1", || {
            format!("{}: {:?}, {:?}", about(books, order), order.deadline, order.attention)
        });
    }
    for delivery in books.deliveries.deliveries.values() {
        let waits = delivery.waiting_for().is_some();
        let ends = delivery.deadline.is_some() || delivery.attention.is_some();
        found.unless(waits == ends, "I1", || format!("{delivery:?}"));
    }
    check_stock(books, found);
    check_places(books, found);
    books.deliveries.deliveries.values().for_each(|delivery| check_attempts(books, delivery, found));
    check_applied(books, found);
    let anomalies = books.orders.anomalies.iter().chain(&books.deliveries.anomalies);
    for anomaly in anomalies {
        found.unless(false, "no anomaly", || anomaly.clone());
    }
    let named = &books.deliveries.full_alternatives;
    found.unless(named.is_empty(), "other days have room", || named.join("; "));
}

/// The order's name and all that is known of it, as evidence.
fn about(books: Books<'_>, order: &Order) -> String {
    format!("{} is {}, its ledger {:?}", order.id, order.status, books.orders.ledger[&order.id])
}

/// How much of a kind was moved for an order, and how often.
fn moved(books: Books<'_>, order_id: OrderId, kind: TransferKind) -> (i64, usize) {
    let rows = books.orders.ledger[&order_id].iter().filter(|transfer| transfer.kind == kind);
    rows.fold((0, 0), |(sum, times), transfer| (sum + transfer.amount_minor, times + 1))
}

fn check_money(books: Books<'_>, order: &Order, found: &mut Violations) {
    let total = total(books, order.id);
    let [hold, capture, void, refund] =
        [TransferKind::Hold, TransferKind::Capture, TransferKind::Void, TransferKind::Refund]
            .map(|kind| moved(books, order.id, kind));
    let kept = capture.0 - refund.0;
    let owed = match order.status {
        Status::Completed | Status::Cancelled | Status::Returned => kept == 0,
        Status::Cancelling => kept == 0 || kept == total,
        Status::Confirmed | Status::InDelivery | Status::Delivered => kept == total,
    };
    found.unless(owed && order.total_minor == total && hold == (total, 1), "I2", || about(books, order));
    // What was held is captured or voided in the end, and never both.
    let has_ended = matches!(order.status, Status::Cancelled | Status::Returned | Status::Delivered);
    let settled = capture.0 + void.0;
    found.unless(settled <= total && (!has_ended || settled == total), "I2", || about(books, order));
    let at_most_once = [capture, void, refund].iter().all(|(_, times)| *times <= 1);
    found.unless(at_most_once && refund.0 <= capture.0, "I3", || about(books, order));
}

/// What it costs, from the price list of the test.
fn total(books: Books<'_>, order_id: OrderId) -> i64 {
    let request = books.orders.placed[&order_id];
    ARTICLES[request.article].1 * i64::from(request.quantity)
}

fn check_both_sides(books: Books<'_>, order: &Order, delivery: Option<&Delivery>, found: &mut Violations) {
    let still_moving = delivery.is_some_and(|delivery| {
        use DeliveryStatus::{Delivered, Dispatched, Scheduled};
        matches!(delivery.status, Scheduled | Dispatched | Delivered)
    });
    let gave_up = matches!(order.status, Status::Cancelled | Status::Returned);
    let refunded = moved(books, order.id, TransferKind::Refund).1 > 0;
    let is_broken = (gave_up && still_moving) || (order.status == Status::Delivered && refunded);
    found.unless(!is_broken, "I4", || format!("{}; its delivery {delivery:?}", about(books, order)));
}

fn check_stock(books: Books<'_>, found: &mut Violations) {
    for (sku, shelf) in &books.orders.shelves {
        let of = |which: &dyn Fn(&Order) -> bool| -> i64 {
            let orders = books.orders.orders.values().filter(|order| which(order));
            let requests = orders.map(|order| books.orders.placed[&order.id]);
            requests.filter(|one| ARTICLES[one.article].0 == *sku).map(|one| i64::from(one.quantity)).sum()
        };
        let open = of(&|order| !matches!(order.status, Status::Delivered | Status::Cancelled | Status::Returned));
        let shipped = of(&|order| order.status == Status::Delivered);
        let lost = of(&|order| order.status == Status::Returned && is_lost(books, order.id));
        let holds = shelf.on_hand + shelf.shipped + shelf.written_off == shelf.received
            && shelf.on_hand - shelf.reserved >= 0
            && (shelf.reserved, shelf.shipped, shelf.written_off) == (open, shipped, lost);
        found.unless(holds, "I5", || format!("{sku}: {shelf:?}; open {open}, shipped {shipped}, lost {lost}"));
    }
}

/// Whether the delivery side announced that the goods will not come back.
fn is_lost(books: Books<'_>, order_id: OrderId) -> bool {
    use shared_events::Goods::{Damaged, Lost};
    books.deliveries.outbox().announced(order_id).any(|envelope| {
        matches!(envelope.event(), Event::DeliveryFailed(DeliveryFailed::Transit { goods: Lost | Damaged, .. }))
    })
}

fn check_places(books: Books<'_>, found: &mut Violations) {
    let side = books.deliveries;
    for (slot, taken) in &side.taken {
        let in_it = side.deliveries.values().filter(|delivery| delivery.slot.as_ref() == Some(slot));
        let counted = i64::try_from(in_it.filter(|delivery| holds_its_place(delivery)).count()).expect("few");
        let holds = *taken == counted && counted <= PLACES_A_DAY;
        found.unless(holds, "I6", || format!("{slot:?}: {taken} taken, {counted} counted"));
    }
    for (courier, load) in &side.loads {
        let carries = |delivery: &&std::sync::Arc<Delivery>| {
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
fn check_attempts(books: Books<'_>, delivery: &Delivery, found: &mut Violations) {
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
    let few = days.len() <= usize::try_from(books.deliveries.max_attempts).expect("few");
    let told = books.deliveries.outbox().announced(delivery.order_id).find_map(|envelope| match envelope.event() {
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
fn check_applied(books: Books<'_>, found: &mut Violations) {
    for inbox in [books.orders.inbox(), books.deliveries.inbox()] {
        for (order_id, versions) in inbox.applied() {
            found.unless(versions.is_sorted_by(|before, after| before < after), "I10", || {
                format!("of {order_id} the versions {versions:?} were applied")
            });
        }
    }
}

/// What must be true of the topics at every moment: each order's events lie there in order and without a hole, the first time they do,
/// and what the outbox no longer points to is among them.
pub fn check_lanes<O, D>(pair: &Pair<O, D>, found: &mut Violations)
where
    O: Held<Side = OrderSide>,
    D: Held<Side = DeliverySide>,
{
    let outboxes = [pair.order_side().outbox(), pair.delivery_side().outbox()];
    for (topic, outbox) in TOPICS.into_iter().zip(outboxes) {
        check_published(topic, pair.lane(topic), found);
        check_pointers(topic, outbox, pair.lane(topic), found);
    }
}

fn check_pointers(topic: Topic, outbox: &Outbox, lane: &[Record], found: &mut Violations) {
    for place in outbox.all().filter(|place| !outbox.is_unsent(*place)) {
        let is_there = lane.iter().any(|record| record.place() == place);
        found.unless(is_there, "I11", || {
            format!("{topic}: the pointer of {place:?} is gone, and it was never acknowledged")
        });
    }
}

/// The first time each version of an order was published, they were published in order and without a hole.
fn check_published(topic: Topic, lane: &[Record], found: &mut Violations) {
    let mut last: BTreeMap<OrderId, Version> = BTreeMap::new();
    for record in lane {
        let (order_id, version) = record.place();
        let before = last.entry(order_id).or_default();
        found.unless(version <= before.next(), "I8", || format!("{topic}: {version} of {order_id} after {before}"));
        *before = version.max(*before);
    }
}

/// What must be true of both databases once everything was sent, read and finished.
pub fn check_at_rest(books: Books<'_>, found: &mut Violations) {
    let sides = [(books.orders.outbox(), books.orders.inbox()), (books.deliveries.outbox(), books.deliveries.inbox())];
    for (outbox, inbox) in sides {
        let (unsent, waiting) = (outbox.unsent(), inbox.parked());
        found
            .unless(unsent.is_empty() && waiting.is_empty(), "I1", || format!("unsent {unsent:?}, parked {waiting:?}"));
    }
    for (order_id, order) in &books.orders.orders {
        let has_ended = matches!(order.status, Status::Delivered | Status::Cancelled | Status::Returned);
        found.unless(has_ended, "I1", || about(books, order));
        found.unless(books.deliveries.deliveries.contains_key(order_id), "I7", || about(books, order));
        check_answers(books, order, found);
    }
    let known: BTreeSet<_> = books.orders.orders.keys().collect();
    let unknown = books.deliveries.deliveries.keys().find(|order_id| !known.contains(order_id));
    found.unless(unknown.is_none(), "I7", || format!("a delivery of nothing: {unknown:?}"));
}

fn check_answers(books: Books<'_>, order: &Order, found: &mut Violations) {
    let asked = count(books.orders.outbox().announced(order.id).map(|envelope| envelope.event()));
    let answers = count(books.deliveries.outbox().announced(order.id).map(|envelope| envelope.event()));
    let times = |kind| answers.get(&kind).copied().unwrap_or_default();
    let was_cancelled = asked.contains_key(&EventKind::OrderCancelled);
    let refused = books
        .deliveries
        .outbox()
        .announced(order.id)
        .any(|envelope| matches!(envelope.event(), Event::DeliveryFailed(DeliveryFailed::Creation { .. })));
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
        format!("{}; asked {asked:?}, answers {answers:?}", about(books, order))
    });
}

fn count<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<EventKind, usize> {
    let mut counts = BTreeMap::new();
    events.for_each(|event| *counts.entry(event.kind()).or_default() += 1);
    counts
}
