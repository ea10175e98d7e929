//! A service with all that belongs to it.

use shared_events::{OrderId, Topic};

use super::{
    Applying, Step,
    bugs::Bug,
    coverage::Coverage,
    held::Held,
    lane::{Batch, Record, Seen},
    outbox::Pointer,
    processes::{Consumer, Doing, Relay, Stage},
    side::{Answer, Side, Transaction},
};

/// A service: its database, what runs beside it, the topic that it announces on, and how far its group has stored the other one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Station<H> {
    pub base: H,
    pub relays: [Relay; 2],
    pub consumers: [Consumer; 2],
    pub stored: usize,
    pub lane: Vec<Record>,
    /// Whether what is announced is handed over to the first relay, as if everything were committed in its process.
    hands_over: bool,
}

impl<H: Held> Station<H> {
    pub fn new(base: H, hands_over: bool) -> Self {
        let relays = [0, 1].map(|_| Relay::new(base.look().bug()));
        Self { base, relays, consumers: Default::default(), stored: 0, lane: vec![], hands_over }
    }

    /// Runs a transaction, and hands over what was announced in it.
    pub fn run(&mut self, transaction: &Transaction<<H::Side as Side>::Command>, coverage: &mut Coverage) -> Answer {
        let last_seq = self.base.look().outbox().last_seq();
        let answer = self.base.run(transaction, coverage);
        if self.hands_over {
            self.relays[0].is_handed(self.base.look().outbox().first_since(last_seq));
        }
        answer
    }

    pub fn bug(&self) -> Option<Bug> {
        self.base.look().bug()
    }

    pub fn is_busy(&self) -> bool {
        let is_idle = |consumer: &Consumer| consumer.doing == Doing::Nothing;
        !(self.relays.iter().all(Relay::is_idle) && self.consumers.iter().all(is_idle))
    }

    pub fn may_give(&self, relay: usize) -> Vec<Pointer> {
        self.relays[relay].may_give(self.base.look().outbox())
    }

    pub fn give(&mut self, relay: usize, pointer: Pointer, coverage: &mut Coverage) {
        self.relays[relay].give(pointer);
        self.was_given(&[pointer], coverage);
    }

    pub fn give_handed_over(&mut self, coverage: &mut Coverage) {
        let given = self.relays[0].give_handed_over();
        self.was_given(&given, coverage);
    }

    fn was_given(&mut self, given: &[Pointer], coverage: &mut Coverage) {
        if self.bug() == Some(Bug::DeleteBeforeAck) {
            let seqs = given.iter().map(|pointer| pointer.seq).collect();
            self.base.run(&Transaction::Delete(seqs), coverage);
        }
    }

    pub fn arrive(&mut self, relay: usize, pointer: Pointer) {
        self.lane.push(self.base.look().outbox().record(pointer.place()));
        self.relays[relay].arrives(pointer);
    }

    pub fn settle(&mut self, relay: usize, coverage: &mut Coverage) {
        let acknowledged = self.relays[relay].acknowledged();
        self.base.run(&Transaction::Delete(acknowledged.clone()), coverage);
        self.relays[relay].settled(&acknowledged);
    }

    pub fn believed(&self, offsets: &[usize], lane: &[Record]) -> Seen {
        let seen = self.base.look().inbox().seen();
        let orders = offsets.iter().map(|offset| lane[*offset].order_id());
        orders.filter_map(|order_id| seen.get(&order_id).map(|seen| (order_id, *seen))).collect()
    }

    /// A consumer that does nothing reads on; the second one is only there after a rebalance, and begins where the group has stored.
    pub fn read(&mut self, consumer: usize, offsets: Vec<usize>, lane: &[Record]) {
        let believed = self.believed(&offsets, lane);
        let position = offsets.iter().max().map_or(0, |last| last + 1);
        if self.bug() == Some(Bug::OffsetBeforeCommit) {
            self.stored = position;
        }
        self.consumers[consumer] = Consumer { position, doing: Doing::Planned { offsets, believed } };
    }

    pub fn commit(&mut self, consumer: usize, applying: Applying, lane: &[Record], coverage: &mut Coverage) -> Answer {
        let Doing::Planned { offsets, believed } = self.consumers[consumer].doing.clone() else {
            return Answer::Refused("nothing is planned".to_owned());
        };
        let batch: Batch = offsets.iter().map(|offset| (*offset, lane[*offset].clone())).collect();
        let fails = applying == Applying::Fails;
        let answer = self.run(&Transaction::Apply { believed, batch, fails }, coverage);
        self.consumers[consumer].doing = match answer {
            Answer::Moved => Doing::Planned { believed: self.believed(&offsets, lane), offsets },
            Answer::Committed | Answer::Refused(_) => Doing::Committed,
        };
        answer
    }

    pub fn store(&mut self, consumer: usize) {
        let consumer = &mut self.consumers[consumer];
        consumer.doing = Doing::Nothing;
        self.stored = consumer.position;
        if self.bug() == Some(Bug::OffsetOffByOne) {
            self.stored += 1;
        }
    }

    pub fn consumer_dies(&mut self, consumer: usize) {
        self.consumers[consumer] = Consumer { position: self.stored, doing: Doing::Nothing };
    }

    pub fn rewind(&mut self, to: usize) {
        self.stored = to;
        self.consumer_dies(0);
        self.consumer_dies(1);
    }

    pub fn retry(&mut self, order_id: OrderId, applying: Applying, coverage: &mut Coverage) -> Answer {
        let due = self.base.look().inbox().due();
        let Some(mut batch) = due.into_iter().find(|batch| batch[0].1.order_id() == order_id) else {
            return Answer::Refused("nothing is due".to_owned());
        };
        if applying == Applying::Fails {
            batch.truncate(1);
        }
        let seen = self.base.look().inbox().seen();
        let believed = seen.get(&order_id).map(|seen| (order_id, *seen)).into_iter().collect();
        let fails = applying == Applying::Fails;
        self.run(&Transaction::Apply { believed, batch, fails }, coverage)
    }

    /// What goes on by itself on the sending side, one step of each relay and event.
    pub fn relaying(&self, topic: Topic, steps: &mut Vec<Step>) {
        for relay in 0..2 {
            for (pointer, stage) in self.relays[relay].flights() {
                steps.push(match stage {
                    Stage::Given => Step::Arrive(topic, relay, *pointer),
                    Stage::Arrived => Step::Acknowledge(topic, relay, *pointer),
                    Stage::Acknowledged => continue,
                });
            }
            if !self.relays[relay].acknowledged().is_empty() {
                steps.push(Step::Settle(topic, relay));
            }
        }
        steps.extend(self.may_give(0).into_iter().map(|pointer| Step::Give(topic, 0, pointer)));
        if !self.relays[0].handed_over().is_empty() {
            steps.push(Step::GiveHandedOver(topic));
        }
    }

    /// What goes on by itself on the receiving side. The first consumer reads on by one record or, where there are more, by two.
    pub fn consuming(&self, topic: Topic, end: usize, steps: &mut Vec<Step>) {
        for (nth, consumer) in self.consumers.iter().enumerate() {
            match consumer.doing {
                Doing::Planned { .. } => steps.push(Step::Commit(topic, nth, Applying::Works)),
                Doing::Committed => steps.push(Step::Store(topic, nth)),
                Doing::Nothing if nth == 0 => {
                    let at = consumer.position;
                    let batches = (at + 1..=end.min(at + 2)).map(|to| Step::Read(topic, nth, (at..to).collect()));
                    steps.extend(batches);
                }
                Doing::Nothing => {}
            }
        }
        for batch in self.base.look().inbox().due() {
            steps.push(Step::Retry(topic, batch[0].1.order_id(), Applying::Works));
        }
    }
}
