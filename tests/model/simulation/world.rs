//! A pair in one history, with its dice and its story.

use std::collections::HashMap;

use shared_events::{OrderId, Topic};

use crate::{
    dice::Dice,
    pair::{
        Applying, Pair, Step,
        bugs::Bug,
        coverage::Coverage,
        delivery_side::DeliverySide,
        invariants::{self, Books, Violations},
        lane::{Place, Record},
        order_side::OrderSide,
        processes::{Doing, Stage},
        side::{Answer, Side},
        tell,
    },
};

/// How many times an order waits once more for its outcome.
const EXTENSIONS: u32 = 3;

/// Which events cannot be applied for a while, and how often they are tried in vain.
#[derive(Debug)]
struct Trouble {
    /// Decided when an event is tried for the first time.
    tries_in_vain: HashMap<(Topic, Place), usize>,
    percent: usize,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub pair: Pair<OrderSide, DeliverySide>,
    pub dice: Dice,
    pub coverage: Coverage,
    pub violations: Violations,
    trouble: Trouble,
    story: Option<Vec<String>>,
    /// The step that is being taken, where the story is told.
    under_way: Option<Step>,
}

impl World {
    pub fn new(seed: u64, bug: Option<Bug>, is_told: bool) -> Self {
        let mut dice = Dice::new(seed);
        let percent = dice.pick(&[0, 5, 25]).expect("some");
        let max_attempts = dice.pick(&[1, 2, 3]).expect("some");
        Self {
            pair: Pair::new(OrderSide::new(4, EXTENSIONS, bug), DeliverySide::new(max_attempts, bug), true),
            dice,
            coverage: Coverage::default(),
            violations: Violations::default(),
            trouble: Trouble { tries_in_vain: HashMap::new(), percent },
            story: is_told.then(Vec::new),
            under_way: None,
        }
    }

    /// From now on everything works.
    pub fn heal(&mut self) {
        self.trouble = Trouble { tries_in_vain: HashMap::new(), percent: 0 };
        self.say(|| "from here on nothing goes wrong any more".to_owned());
    }

    /// The history so far, one line a step.
    pub fn story(&self) -> String {
        self.story.as_deref().unwrap_or_default().join("\n")
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(format!("{:>4}  {}", story.len() + 1, line()));
        }
    }

    /// Takes a step, and looks what has become of the invariants.
    pub fn take(&mut self, step: &Step) -> Answer {
        self.note(step);
        let before = self.story.is_some().then(|| self.pair.clone());
        self.under_way = before.is_some().then(|| step.clone());
        let answer = self.pair.take(step, &mut self.coverage);
        if let Some(before) = before {
            let line = tell(&before, step, &answer, &self.pair);
            self.say(|| line);
        }
        self.check(step);
        self.under_way = None;
        answer
    }

    /// The history has ended in the middle of a step.
    pub fn panicked(&mut self, text: &str) {
        let step = self.under_way.take();
        self.say(|| format!("PANIC: {text}, in {step:?}"));
        self.violations.0.insert("no panic", text.to_owned());
    }

    fn check(&mut self, step: &Step) {
        let before = self.violations.0.len();
        match step {
            Step::Order(_) | Step::Delivery(_) | Step::Commit(..) | Step::Retry(..) => {
                let books = Books { orders: self.pair.order_side(), deliveries: self.pair.delivery_side() };
                invariants::check_books(books, &mut self.violations);
            }
            Step::Give(..) | Step::GiveHandedOver(..) | Step::Arrive(..) | Step::Settle(..) | Step::Repeat(..) => {
                invariants::check_lanes(&self.pair, &mut self.violations);
            }
            Step::Acknowledge(..)
            | Step::Fail(..)
            | Step::ClientBreaks(..)
            | Step::RelayDies(..)
            | Step::Read(..)
            | Step::Store(..)
            | Step::ConsumerDies(..)
            | Step::Rewind(..) => {}
        }
        if self.violations.0.len() > before {
            let broken: Vec<&str> = self.violations.0.keys().copied().collect();
            self.say(|| format!("BROKEN: {}", broken.join(", ")));
        }
    }

    /// What must be true in the end.
    pub fn check_at_rest(&mut self) {
        let books = Books { orders: self.pair.order_side(), deliveries: self.pair.delivery_side() };
        invariants::check_at_rest(books, &mut self.violations);
    }

    fn note(&mut self, step: &Step) {
        let notes: Vec<&str> = match step {
            Step::Fail(topic, relay, pointer) => match self.pair.relays(*topic)[*relay].flights().get(pointer) {
                Some(Stage::Given) => vec!["a record is lost on the way to the broker, and sent again"],
                Some(Stage::Arrived) => vec!["a record arrives, the relay does not hear of it, and it is sent again"],
                Some(Stage::Acknowledged) | None => vec![],
            },
            Step::RelayDies(topic, relay) => {
                let stages = self.pair.relays(*topic)[*relay].flights().values();
                stages.map(|stage| dies_at(*stage)).collect()
            }
            Step::Give(topic, relay, pointer) => {
                let others = self.pair.relays(*topic)[1 - *relay].flights();
                if others.contains_key(pointer) { vec!["two relays send one event"] } else { vec![] }
            }
            Step::GiveHandedOver(topic) => {
                let outbox = self.pair.outbox(*topic);
                let mut given = self.pair.relays(*topic)[0].handed_over().iter();
                let is_late = given.any(|pointer| !outbox.is_unsent(pointer.place()));
                if is_late { vec!["what was handed over is taken when it has long been sent"] } else { vec![] }
            }
            Step::ClientBreaks(..) => vec!["a relay's client breaks with something in flight"],
            Step::ConsumerDies(topic, consumer) => match self.pair.consumers(*topic)[*consumer].doing {
                Doing::Planned { .. } => vec!["a consumer dies before its commit"],
                Doing::Committed => vec!["a consumer dies before it stores its offset"],
                Doing::Nothing => vec![],
            },
            Step::Read(topic, consumer, offsets) => {
                let other = &self.pair.consumers(*topic)[1 - *consumer].doing;
                let same = matches!(other, Doing::Planned { offsets: others, .. } if others == offsets);
                let swapped = !offsets.is_sorted();
                let notes = [(same, "two consumers have read the same"), (swapped, "two records change places")];
                notes.into_iter().filter(|(is, _)| *is).map(|(_, note)| note).collect()
            }
            Step::Repeat(..) => vec!["an old record is sent once more"],
            Step::Rewind(..) => vec!["a reader goes back"],
            Step::Order(_)
            | Step::Delivery(_)
            | Step::Arrive(..)
            | Step::Acknowledge(..)
            | Step::Settle(..)
            | Step::Commit(..)
            | Step::Store(..)
            | Step::Retry(..) => vec![],
        };
        notes.into_iter().for_each(|note| self.coverage.note(note));
    }

    /// A consumer's transaction: as the chassis does it, a batch with something in it that cannot be applied is halved until that
    /// is alone, and everything else goes its way.
    pub fn commit(&mut self, topic: Topic, consumer: usize) {
        let Doing::Planned { offsets, .. } = self.pair.consumers(topic)[consumer].doing.clone() else { return };
        let in_trouble: Vec<Record> = offsets.iter().map(|offset| self.pair.lane(topic)[*offset].clone()).collect();
        match (in_trouble.iter().any(|record| self.meets_trouble(topic, record)), &*offsets) {
            (false, _) => drop(self.take(&Step::Commit(topic, consumer, Applying::Works))),
            (true, [_]) => {
                self.take(&Step::Commit(topic, consumer, Applying::Fails));
                self.one_try_less(topic, in_trouble[0].place());
            }
            (true, _) => {
                self.coverage.note("a batch is halved until what cannot be applied is alone");
                let (first, second) = offsets.split_at(offsets.len() / 2);
                for half in [first, second] {
                    self.take(&Step::Read(topic, consumer, half.to_vec()));
                    self.commit(topic, consumer);
                }
            }
        }
    }

    /// What is parked of an order is tried again.
    pub fn retry(&mut self, topic: Topic, order_id: OrderId) {
        let due = match topic {
            Topic::Orders => self.pair.delivery_side().inbox().due(),
            Topic::Deliveries => self.pair.order_side().inbox().due(),
        };
        let Some(batch) = due.into_iter().find(|batch| batch[0].1.order_id() == order_id) else { return };
        let in_trouble = batch.iter().any(|(_, record)| self.meets_trouble(topic, record));
        let applying = if in_trouble { Applying::Fails } else { Applying::Works };
        self.take(&Step::Retry(topic, order_id, applying));
        if in_trouble {
            batch.iter().for_each(|(_, record)| self.one_try_less(topic, record.place()));
        }
    }

    fn meets_trouble(&mut self, topic: Topic, record: &Record) -> bool {
        let (dice, percent) = (&mut self.dice, self.trouble.percent);
        let tries = self.trouble.tries_in_vain.entry((topic, record.place()));
        *tries.or_insert_with(|| if dice.happens(percent) { 1 + dice.roll(6) } else { 0 }) > 0
    }

    fn one_try_less(&mut self, topic: Topic, place: Place) {
        if let Some(tries) = self.trouble.tries_in_vain.get_mut(&(topic, place)) {
            *tries = tries.saturating_sub(1);
        }
    }
}

fn dies_at(stage: Stage) -> &'static str {
    match stage {
        Stage::Given => "a relay dies with a record on its way",
        Stage::Arrived => "a relay dies before it hears that a record has arrived",
        Stage::Acknowledged => "a relay dies before it deletes a pointer",
    }
}

/// One of these, each as often as its weight says.
pub fn weighted<T: Copy>(dice: &mut Dice, from: &[(T, usize)]) -> T {
    let mut roll = dice.roll(from.iter().map(|(_, weight)| weight).sum());
    for (one, weight) in from {
        if roll < *weight {
            return *one;
        }
        roll -= weight;
    }
    panic!("a roll beyond the sum of the weights")
}
