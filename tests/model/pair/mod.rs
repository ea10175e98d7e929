//! Two services, two topics, and all that runs between them, one step at a time. The model takes every step that can be taken, the
//! simulation one that chance picks.

pub mod bugs;
pub mod coverage;
pub mod delivery_side;
pub mod held;
pub mod invariants;
pub mod lane;
pub mod order_side;
pub mod outbox;
pub mod processes;
pub mod shelf;
pub mod side;
mod stamps;
mod station;
mod story;

pub use story::tell;

use shared_events::{OrderId, Topic};

use coverage::Coverage;
use delivery_side::{DeliveryCommand, DeliverySide};
use held::Held;
use lane::Record;
use order_side::{OrderCommand, OrderSide};
use outbox::{Outbox, Pointer};
use processes::{Consumer, Relay};
use side::{Answer, Side, Transaction};
use station::Station;

/// Something that happens. A topic names the lane: its relays belong to who announces there, its consumers to who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Order(OrderCommand),
    Delivery(DeliveryCommand),
    /// A relay gives an event that it has found in the outbox to Kafka's client.
    Give(Topic, usize, Pointer),
    /// The first relay gives what commits have handed over to it.
    GiveHandedOver(Topic),
    /// The broker has it.
    Arrive(Topic, usize, Pointer),
    /// The relay knows.
    Acknowledge(Topic, usize, Pointer),
    /// The relay is told that it did not arrive, whether it did or not.
    Fail(Topic, usize, Pointer),
    /// The relay deletes the pointers of what was acknowledged.
    Settle(Topic, usize),
    /// A relay's client breaks and is replaced.
    ClientBreaks(Topic, usize),
    RelayDies(Topic, usize),
    /// A producer that everybody thought dead sends what it sent before.
    Repeat(Topic, usize),
    /// A consumer reads these offsets and plans.
    Read(Topic, usize, Vec<usize>),
    /// Its transaction: committed, or rolled back and planned again.
    Commit(Topic, usize, Applying),
    /// It stores where to go on.
    Store(Topic, usize),
    ConsumerDies(Topic, usize),
    /// Its group goes on from an earlier offset.
    Rewind(Topic, usize),
    /// What is parked on a lane is tried again.
    Retry(Topic, OrderId, Applying),
}

/// Whether applying an event works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applying {
    Works,
    /// It fails for good: what would be applied is parked.
    Fails,
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair<O, D> {
    orders: Station<O>,
    deliveries: Station<D>,
}

pub const TOPICS: [Topic; 2] = [Topic::Orders, Topic::Deliveries];

impl<O: Held<Side = OrderSide>, D: Held<Side = DeliverySide>> Pair<O, D> {
    /// Where commits hand over, the first relay learns of first events by hand as well.
    pub fn new(orders: O, deliveries: D, hands_over: bool) -> Self {
        Self { orders: Station::new(orders, hands_over), deliveries: Station::new(deliveries, hands_over) }
    }

    pub fn order_side(&self) -> &OrderSide {
        self.orders.base.look()
    }

    pub fn delivery_side(&self) -> &DeliverySide {
        self.deliveries.base.look()
    }

    pub fn bases(&self) -> (&O, &D) {
        (&self.orders.base, &self.deliveries.base)
    }

    /// What lies on a topic.
    pub fn lane(&self, topic: Topic) -> &[Record] {
        match topic {
            Topic::Orders => &self.orders.lane,
            Topic::Deliveries => &self.deliveries.lane,
        }
    }

    /// The outbox of who announces on a topic.
    pub fn outbox(&self, topic: Topic) -> &Outbox {
        match topic {
            Topic::Orders => self.order_side().outbox(),
            Topic::Deliveries => self.delivery_side().outbox(),
        }
    }

    pub fn relays(&self, topic: Topic) -> &[Relay; 2] {
        match topic {
            Topic::Orders => &self.orders.relays,
            Topic::Deliveries => &self.deliveries.relays,
        }
    }

    /// Who reads a topic.
    pub fn consumers(&self, topic: Topic) -> &[Consumer; 2] {
        match topic {
            Topic::Orders => &self.deliveries.consumers,
            Topic::Deliveries => &self.orders.consumers,
        }
    }

    /// Where the readers of a topic begin after a rebalance.
    pub fn stored(&self, topic: Topic) -> usize {
        match topic {
            Topic::Orders => self.deliveries.stored,
            Topic::Deliveries => self.orders.stored,
        }
    }

    pub fn may_give(&self, topic: Topic, relay: usize) -> Vec<Pointer> {
        match topic {
            Topic::Orders => self.orders.may_give(relay),
            Topic::Deliveries => self.deliveries.may_give(relay),
        }
    }

    /// All that goes on by itself, without anybody asking for anything and without anything going wrong.
    pub fn progress(&self) -> Vec<Step> {
        let mut steps = vec![];
        self.orders.relaying(Topic::Orders, &mut steps);
        self.deliveries.relaying(Topic::Deliveries, &mut steps);
        self.orders.consuming(Topic::Deliveries, self.deliveries.lane.len(), &mut steps);
        self.deliveries.consuming(Topic::Orders, self.orders.lane.len(), &mut steps);
        steps
    }

    /// Whether a relay or a consumer is in the middle of something.
    pub fn is_busy(&self) -> bool {
        self.orders.is_busy() || self.deliveries.is_busy()
    }

    /// Takes a step. A step that cannot be taken here is refused.
    pub fn take(&mut self, step: &Step, coverage: &mut Coverage) -> Answer {
        match step {
            Step::Order(command) => return self.orders.run(&Transaction::Decide(command.clone()), coverage),
            Step::Delivery(command) => return self.deliveries.run(&Transaction::Decide(*command), coverage),
            Step::Give(Topic::Orders, relay, pointer) => self.orders.give(*relay, *pointer, coverage),
            Step::Give(Topic::Deliveries, relay, pointer) => self.deliveries.give(*relay, *pointer, coverage),
            Step::GiveHandedOver(Topic::Orders) => self.orders.give_handed_over(coverage),
            Step::GiveHandedOver(Topic::Deliveries) => self.deliveries.give_handed_over(coverage),
            Step::Arrive(Topic::Orders, relay, pointer) => self.orders.arrive(*relay, *pointer),
            Step::Arrive(Topic::Deliveries, relay, pointer) => self.deliveries.arrive(*relay, *pointer),
            Step::Acknowledge(topic, relay, pointer) => self.relay_mut(*topic, *relay).is_acknowledged(*pointer),
            Step::Fail(topic, relay, pointer) => self.relay_mut(*topic, *relay).fails(*pointer),
            Step::ClientBreaks(topic, relay) => self.relay_mut(*topic, *relay).client_breaks(),
            Step::RelayDies(topic, relay) => self.relay_mut(*topic, *relay).dies(),
            Step::Settle(Topic::Orders, relay) => self.orders.settle(*relay, coverage),
            Step::Settle(Topic::Deliveries, relay) => self.deliveries.settle(*relay, coverage),
            Step::Repeat(Topic::Orders, offset) => self.orders.lane.push(self.orders.lane[*offset].clone()),
            Step::Repeat(Topic::Deliveries, offset) => self.deliveries.lane.push(self.deliveries.lane[*offset].clone()),
            Step::Read(Topic::Orders, consumer, offsets) => {
                self.deliveries.read(*consumer, offsets.clone(), &self.orders.lane);
            }
            Step::Read(Topic::Deliveries, consumer, offsets) => {
                self.orders.read(*consumer, offsets.clone(), &self.deliveries.lane);
            }
            Step::Commit(Topic::Orders, consumer, applying) => {
                return self.deliveries.commit(*consumer, *applying, &self.orders.lane, coverage);
            }
            Step::Commit(Topic::Deliveries, consumer, applying) => {
                return self.orders.commit(*consumer, *applying, &self.deliveries.lane, coverage);
            }
            Step::Store(Topic::Orders, consumer) => self.deliveries.store(*consumer),
            Step::Store(Topic::Deliveries, consumer) => self.orders.store(*consumer),
            Step::ConsumerDies(Topic::Orders, consumer) => self.deliveries.consumer_dies(*consumer),
            Step::ConsumerDies(Topic::Deliveries, consumer) => self.orders.consumer_dies(*consumer),
            Step::Rewind(Topic::Orders, to) => self.deliveries.rewind(*to),
            Step::Rewind(Topic::Deliveries, to) => self.orders.rewind(*to),
            Step::Retry(Topic::Orders, order_id, applying) => {
                return self.deliveries.retry(*order_id, *applying, coverage);
            }
            Step::Retry(Topic::Deliveries, order_id, applying) => {
                return self.orders.retry(*order_id, *applying, coverage);
            }
        }
        Answer::Committed
    }

    fn relay_mut(&mut self, topic: Topic, relay: usize) -> &mut Relay {
        match topic {
            Topic::Orders => &mut self.orders.relays[relay],
            Topic::Deliveries => &mut self.deliveries.relays[relay],
        }
    }
}

impl<O, D> Pair<O, D>
where
    O: Held<Side = OrderSide> + Clone + PartialEq,
    D: Held<Side = DeliverySide> + Clone + PartialEq,
{
    /// Whether somebody asks for what changes nothing. Quicker than to take the step and compare.
    pub fn is_in_vain(&self, step: &Step) -> bool {
        match step {
            Step::Order(command) => changes_nothing(&self.orders.base, command.clone()),
            Step::Delivery(command) => changes_nothing(&self.deliveries.base, *command),
            Step::Give(..)
            | Step::GiveHandedOver(..)
            | Step::Arrive(..)
            | Step::Acknowledge(..)
            | Step::Fail(..)
            | Step::Settle(..)
            | Step::ClientBreaks(..)
            | Step::RelayDies(..)
            | Step::Repeat(..)
            | Step::Read(..)
            | Step::Commit(..)
            | Step::Store(..)
            | Step::ConsumerDies(..)
            | Step::Rewind(..)
            | Step::Retry(..) => false,
        }
    }
}

fn changes_nothing<H: Held + Clone + PartialEq>(base: &H, command: <H::Side as Side>::Command) -> bool {
    let mut after = base.clone();
    after.run(&Transaction::Decide(command), &mut Coverage::default());
    after == *base
}
