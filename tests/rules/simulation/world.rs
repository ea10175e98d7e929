//! Two services, two lanes, customers, staff, and everything that can go wrong between them.

use delivery_service::domain::Command;
use order_service::domain::{CancelledBy, PlaceOrder, Refusal, TooEarly, WayBack};
use shared_events::{Envelope, OrderId, Stamp, Topic, Version};

use super::{
    coverage::{self, Coverage},
    delivery_side::DeliverySide,
    dice::Dice,
    lane::{Inbox, Lane, Outbox, Rule},
    order_side::OrderSide,
    reading::Trouble,
};
use crate::fixtures::stamp;

/// How a record leaves the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    Acknowledged,
    /// The broker has it, but the relay died before it knew: it sends again.
    NotAcknowledged,
    /// The broker never had it: the relay sends again.
    Lost,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub rule: Rule,
    pub dice: Dice,
    pub order_side: OrderSide,
    pub delivery_side: DeliverySide,
    pub coverage: Coverage,
    orders_lane: Lane,
    deliveries_lane: Lane,
    pub trouble: Trouble,
    now: u64,
    story: Option<Vec<String>>,
}

impl World {
    pub fn new(seed: u64, rule: Rule, is_told: bool) -> Self {
        let mut dice = Dice::new(seed);
        let trouble_percent = dice.pick(&[0, 5, 25]).expect("some");
        let max_attempts = dice.pick(&[1, 2, 3]).expect("some");
        Self {
            rule,
            dice,
            order_side: OrderSide::new(4),
            delivery_side: DeliverySide { max_attempts, ..DeliverySide::default() },
            coverage: Coverage::default(),
            orders_lane: Lane::default(),
            deliveries_lane: Lane::default(),
            trouble: Trouble::new(trouble_percent),
            now: 0,
            story: is_told.then(Vec::new),
        }
    }

    /// From now on everything works.
    pub fn heal(&mut self) {
        self.trouble = Trouble::new(0);
        self.tell(|_| "from here on nothing goes wrong any more".to_owned());
    }

    /// The history so far, one line a step.
    pub fn story(&self) -> String {
        self.story.as_deref().unwrap_or_default().join("\n")
    }

    pub fn tell(&mut self, line: impl FnOnce(&World) -> String) {
        if self.story.is_some() {
            let line = format!("{:>4}  {}", self.now, line(self));
            self.story.get_or_insert_default().push(line);
        }
    }

    /// "order 2", as a reader of the story wants it.
    pub fn name(&self, order_id: OrderId) -> String {
        let nth = self.order_side.orders.keys().position(|one| *one == order_id);
        nth.map_or_else(|| format!("order {order_id}"), |nth| format!("order {}", nth + 1))
    }

    fn stamp(&mut self) -> Stamp {
        self.now += 1;
        stamp(self.now)
    }

    fn outbox(&mut self, topic: Topic) -> &mut Outbox {
        match topic {
            Topic::Orders => &mut self.order_side.outbox,
            Topic::Deliveries => &mut self.delivery_side.outbox,
        }
    }

    /// Who reads this topic.
    pub fn reader(&mut self, topic: Topic) -> &mut Inbox {
        match topic {
            Topic::Orders => &mut self.delivery_side.inbox,
            Topic::Deliveries => &mut self.order_side.inbox,
        }
    }

    pub fn lane(&self, topic: Topic) -> &Lane {
        match topic {
            Topic::Orders => &self.orders_lane,
            Topic::Deliveries => &self.deliveries_lane,
        }
    }

    fn append(&mut self, topic: Topic, envelope: Envelope) {
        let lane = match topic {
            Topic::Orders => &mut self.orders_lane,
            Topic::Deliveries => &mut self.deliveries_lane,
        };
        lane.records.push(envelope);
    }

    pub fn place(&mut self, requests: Vec<PlaceOrder>) {
        let requests = requests.into_iter().map(|request| (request, self.stamp())).collect();
        for placed in self.order_side.place(requests) {
            self.tell(|world| match &placed {
                Ok(order_id) => format!("a customer places {}", world.name(*order_id)),
                Err(refusal) => format!("a customer is refused an order: {refusal:?}"),
            });
            if matches!(placed, Err(Refusal::OutOfStock { .. })) {
                self.coverage.note("an order is refused because nothing is left");
            }
        }
    }

    pub fn cancel(&mut self, order_id: OrderId, by: CancelledBy) {
        let stamp = self.stamp();
        let column = match by {
            CancelledBy::Customer => 0,
            CancelledBy::Operator => 1,
        };
        self.coverage.note(coverage::order_command(&self.order_side.orders[&order_id], column));
        let answer = self.order_side.cancel(order_id, by, stamp);
        self.tell(|world| {
            format!("the {by} cancels {}: {}{}", world.name(order_id), granted(&answer), world.order_now(order_id))
        });
    }

    pub fn deadline(&mut self, order_id: OrderId) {
        let stamp = self.stamp();
        let (cell, way) = (coverage::order_command(&self.order_side.orders[&order_id], 2), self.way_back(order_id));
        let waits_on = self.order_side.deadline(order_id, way, stamp);
        self.coverage.note(waits_on.map_or(cell, str::to_owned));
        if self.order_side.orders[&order_id].attention.is_some() {
            self.coverage.note("somebody has to look at a cancellation without an answer");
        }
        self.tell(|world| {
            let once_more = if waits_on.is_some() { ", it waits once more" } else { "" };
            format!("a deadline of {} passes{once_more}{}", world.name(order_id), world.order_now(order_id))
        });
    }

    /// What the order side knows of the way to the other side and back. Chance says whether that side has come so far.
    fn way_back(&mut self, order_id: OrderId) -> WayBack {
        let is_unsent = self.order_side.outbox.offered().iter().any(|(unsent, _)| *unsent == order_id);
        let is_parked = self.order_side.inbox.parked().iter().any(|(parked, _)| *parked == order_id);
        let parked = is_parked.then_some(TooEarly::Parked);
        let held_up = is_unsent.then_some(TooEarly::Unsent).or(parked);
        let heard = self.dice.happens(50).then_some(order_id);
        WayBack { held_up, heard }
    }

    /// A delivery is late.
    pub fn late(&mut self, order_id: OrderId) {
        let stamp = self.stamp();
        self.delivery_side.deadline(order_id, stamp);
        self.tell(|world| format!("the delivery of {} is late{}", world.name(order_id), world.delivery_now(order_id)));
    }

    /// Somebody of the delivery side asks for something.
    pub fn ask(&mut self, order_id: OrderId, command: Command) {
        let stamp = self.stamp();
        let before = &self.delivery_side.deliveries[&order_id];
        self.coverage.note(coverage::delivery_command(before, &command, self.delivery_side.terms()));
        let answer = self.delivery_side.decide(order_id, command.clone(), stamp);
        if let Err(delivery_service::domain::Refusal::NoDayWithRoom { .. }) = &answer {
            self.coverage.note("the day that an absent recipient wishes has no room");
        }
        self.tell(|world| {
            let answer = answer.map_or_else(|refusal| format!("refused, {refusal}"), |()| "granted".to_owned());
            format!(
                "staff ask to {} {}: {answer}{}",
                command.name(),
                world.name(order_id),
                world.delivery_now(order_id)
            )
        });
    }

    /// One turn of the relay for one event.
    pub fn send(&mut self, topic: Topic, place: (OrderId, Version), sending: Sending) {
        let envelope = self.outbox(topic).envelope(place);
        self.tell(|world| {
            let (name, kind) = (world.name(place.0), envelope.event.kind());
            let becomes = match sending {
                Sending::Acknowledged => "acknowledged",
                Sending::NotAcknowledged => "it is there, but the relay does not know",
                Sending::Lost => "it never gets there",
            };
            format!("{kind} (version {} of {name}) is sent to {topic}: {becomes}", place.1)
        });
        match sending {
            Sending::Acknowledged => {
                self.append(topic, envelope);
                self.outbox(topic).acknowledged(place);
            }
            Sending::NotAcknowledged => {
                self.append(topic, envelope);
                self.coverage.note("a record is sent and not acknowledged, and sent again");
            }
            Sending::Lost => self.coverage.note("a record is lost on the way to the broker, and sent again"),
        }
    }

    pub fn offered(&mut self, topic: Topic) -> Vec<(OrderId, Version)> {
        self.outbox(topic).offered()
    }

    /// A producer that everybody thought dead sends an old record.
    pub fn send_again(&mut self, topic: Topic, offset: usize) {
        let envelope = self.lane(topic).records[offset].clone();
        self.coverage.note("an old record is sent once more");
        self.tell(|world| format!("{} of {} is sent once more", envelope.event.kind(), world.name(envelope.order_id)));
        self.append(topic, envelope);
    }

    /// Applies an event, in the transaction that claimed it.
    pub fn react(&mut self, topic: Topic, envelope: &Envelope) {
        let (stamp, order_id) = (self.stamp(), envelope.order_id);
        match topic {
            Topic::Orders => {
                let before = self.delivery_side.deliveries.get(&order_id).cloned();
                self.delivery_side.react(envelope, stamp);
                let after = &self.delivery_side.deliveries[&order_id];
                self.coverage.note(coverage::delivery_event(before.as_ref(), &envelope.event, after));
                if before.is_none() && !coverage::alternatives(after).is_empty() {
                    self.coverage.note("a refusal names other days");
                }
            }
            Topic::Deliveries => {
                self.coverage.note(coverage::order_event(&self.order_side.orders[&order_id], &envelope.event));
                self.order_side.react(envelope, stamp);
            }
        }
        self.tell(|world| {
            let now = match topic {
                Topic::Orders => world.delivery_now(order_id),
                Topic::Deliveries => world.order_now(order_id),
            };
            format!("    applied{now}")
        });
    }

    fn order_now(&self, order_id: OrderId) -> String {
        let order = &self.order_side.orders[&order_id];
        format!(" [order {}, {}, {}]", order.status, order.payment, order.stock)
    }

    fn delivery_now(&self, order_id: OrderId) -> String {
        format!(" [delivery {}]", self.delivery_side.deliveries[&order_id].status)
    }
}

fn granted(answer: &Result<(), Refusal>) -> String {
    match answer {
        Ok(()) => "granted".to_owned(),
        Err(refusal) => format!("refused, {}", refusal.code()),
    }
}
