//! What can go wrong in the model, once for each fault that its bounds allow.

use shared_events::Topic;

use super::played::KnownPair;
use crate::pair::{
    Applying, Step,
    processes::{Doing, Stage},
};

/// All that can go wrong on a lane.
pub fn wrong(pair: &KnownPair, topic: Topic, steps: &mut Vec<Step>) {
    for (relay, one) in pair.relays(topic).iter().enumerate() {
        let arrived = one.flights().iter().filter(|(_, stage)| **stage == Stage::Arrived);
        steps.extend(arrived.map(|(pointer, _)| Step::Fail(topic, relay, *pointer)));
        if !one.is_idle() {
            steps.extend([Step::ClientBreaks(topic, relay), Step::RelayDies(topic, relay)]);
        }
    }
    steps.extend(pair.may_give(topic, 1).into_iter().map(|pointer| Step::Give(topic, 1, pointer)));
    let (stored, end) = (pair.stored(topic), pair.lane(topic).len());
    steps.extend((0..end).map(|offset| Step::Repeat(topic, offset)));
    steps.extend((0..stored).map(|to| Step::Rewind(topic, to)));
    for (nth, consumer) in pair.consumers(topic).iter().enumerate() {
        match &consumer.doing {
            Doing::Planned { offsets, .. } => {
                steps.push(Step::ConsumerDies(topic, nth));
                if offsets.len() == 1 {
                    steps.push(Step::Commit(topic, nth, Applying::Fails));
                }
            }
            Doing::Committed => steps.push(Step::ConsumerDies(topic, nth)),
            Doing::Nothing if nth == 1 => {
                steps.extend(
                    (stored + 1..=end.min(stored + 2)).map(|to| Step::Read(topic, nth, (stored..to).collect())),
                );
            }
            Doing::Nothing => steps.push(Step::ConsumerDies(topic, nth)),
        }
    }
}

pub fn is_fault(step: &Step) -> bool {
    match step {
        Step::Fail(..)
        | Step::ClientBreaks(..)
        | Step::RelayDies(..)
        | Step::Give(_, 1, _)
        | Step::Repeat(..)
        | Step::Rewind(..)
        | Step::ConsumerDies(..)
        | Step::Read(_, 1, _)
        | Step::Commit(_, _, Applying::Fails)
        | Step::Retry(_, _, Applying::Fails) => true,
        Step::Order(_)
        | Step::Delivery(_)
        | Step::Give(..)
        | Step::GiveHandedOver(..)
        | Step::Arrive(..)
        | Step::Acknowledge(..)
        | Step::Settle(..)
        | Step::Read(..)
        | Step::Commit(..)
        | Step::Store(..)
        | Step::Retry(..) => false,
    }
}
