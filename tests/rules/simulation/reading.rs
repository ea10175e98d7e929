//! Reading a batch of records: by the version rule, as the chassis does it, or without it.

use std::collections::HashMap;

use chassis::messaging::{Outcome, Reason};
use shared_events::{Envelope, OrderId, Topic, Version};

use super::{
    dice::Dice,
    lane::{Planned, Rule},
    world::World,
};

/// Which events cannot be applied for a while, and how often they are tried in vain.
#[derive(Debug)]
pub struct Trouble {
    /// Decided when an event is tried for the first time.
    tries_in_vain: HashMap<(Topic, OrderId, Version), usize>,
    percent: usize,
}

impl Trouble {
    /// So many events in a hundred.
    pub fn new(percent: usize) -> Self {
        Self { tries_in_vain: HashMap::new(), percent }
    }

    fn meets(&mut self, dice: &mut Dice, topic: Topic, envelope: &Envelope) -> bool {
        let tries = self.tries_in_vain.entry((topic, envelope.order_id, envelope.version));
        *tries.or_insert_with(|| if dice.happens(self.percent) { 1 + dice.roll(6) } else { 0 }) > 0
    }

    fn one_try_less(&mut self, topic: Topic, envelope: &Envelope) {
        if let Some(tries) = self.tries_in_vain.get_mut(&(topic, envelope.order_id, envelope.version)) {
            *tries = tries.saturating_sub(1);
        }
    }
}

impl World {
    /// Reads the records at these offsets as one batch.
    pub fn apply(&mut self, topic: Topic, offsets: &[usize]) {
        match self.rule {
            Rule::Versions => self.apply_by_version(topic, offsets),
            Rule::RememberTheLast(last) => {
                offsets.iter().for_each(|offset| self.apply_whatever_comes(topic, *offset, last));
            }
        }
    }

    fn apply_by_version(&mut self, topic: Topic, offsets: &[usize]) {
        let batch: Vec<Envelope> = offsets.iter().map(|offset| self.lane(topic).records[*offset].clone()).collect();
        let planned = self.reader(topic).plan(&batch);
        let handled = batch.iter().zip(&planned.outcomes).filter(|(_, outcome)| **outcome == Outcome::Handled);
        let handled: Vec<&Envelope> = handled.map(|(envelope, _)| envelope).collect();
        let is_in_trouble = handled.into_iter().any(|envelope| self.trouble.meets(&mut self.dice, topic, envelope));
        match (is_in_trouble, offsets) {
            (false, _) => self.commit(topic, offsets, &batch, planned),
            (true, [_]) => {
                self.trouble.one_try_less(topic, &batch[0]);
                let planned = self.reader(topic).plan_rejected(&batch[0]);
                self.commit(topic, offsets, &batch, planned);
            }
            // As the chassis does it: the culprit is found by halving, and everything else goes its way.
            (true, _) => {
                let (first, second) = offsets.split_at(offsets.len() / 2);
                self.apply_by_version(topic, first);
                self.apply_by_version(topic, second);
            }
        }
    }

    fn commit(&mut self, topic: Topic, offsets: &[usize], batch: &[Envelope], planned: Planned) {
        for (envelope, outcome) in batch.iter().zip(&planned.outcomes) {
            self.note_outcome(topic, envelope, outcome, planned.jumped.contains(&envelope.order_id));
            if *outcome == Outcome::Handled {
                self.react(topic, envelope);
            }
        }
        self.reader(topic).commit(offsets, batch, planned);
    }

    fn note_outcome(&mut self, topic: Topic, envelope: &Envelope, outcome: &Outcome, has_jumped: bool) {
        let place = (envelope.order_id, envelope.version);
        let is_parked = self.reader(topic).is_parked(place);
        let was_applied = self.reader(topic).applied.contains(&place);
        let jumped_is_parked = self.reader(topic).is_parked((envelope.order_id, Version(1)));
        let note = match outcome {
            Outcome::Handled if has_jumped && jumped_is_parked => Some("OrderCancelled jumps a parked OrderCompleted"),
            Outcome::Handled if has_jumped => Some("OrderCancelled jumps an OrderCompleted that has not arrived"),
            Outcome::Handled if is_parked && place.1 > Version(1) => Some("a gap is closed"),
            Outcome::Handled if is_parked => Some("a parked event is applied after all"),
            Outcome::Handled => None,
            Outcome::Duplicate if was_applied => Some("a repeat has no effect"),
            Outcome::Duplicate => Some("an OrderCompleted that was jumped arrives and is stale"),
            Outcome::Parked(Reason::Gap { .. }) => Some("a gap is parked"),
            Outcome::Parked(_) => Some("an event cannot be applied and is parked"),
        };
        note.into_iter().for_each(|note| self.coverage.note(note));
        self.tell(|world| {
            let (name, kind) = (world.name(envelope.order_id), envelope.event.kind());
            let becomes = match outcome {
                Outcome::Handled => "it is tried".to_owned(),
                Outcome::Duplicate => "no effect, it was applied or jumped before".to_owned(),
                Outcome::Parked(Reason::Gap { seen }) => format!("parked, {seen} was the last one applied"),
                Outcome::Parked(reason) => format!("parked, {}", reason.cause()),
            };
            format!("{kind} (version {} of {name}) is read from {topic}: {becomes}", envelope.version)
        });
    }

    fn apply_whatever_comes(&mut self, topic: Topic, offset: usize, last: usize) {
        let envelope = self.lane(topic).records[offset].clone();
        if self.reader(topic).remembers((envelope.order_id, envelope.version), last) {
            return;
        }
        let is_in_trouble = self.trouble.meets(&mut self.dice, topic, &envelope);
        if is_in_trouble {
            self.trouble.one_try_less(topic, &envelope);
        } else {
            self.react(topic, &envelope);
        }
        self.reader(topic).commit_without_rule(offset, &envelope, !is_in_trouble);
    }
}
