//! I9, I10 and I11, as far as it takes a topic and the databases to see them. Pure: one saga at a time.
//!
//! The databases are always read before the topics. What they say was sent is there by then; what is there may be younger than what they
//! say, and is looked at again.

use shared_events::{EventId, Topic};
use uuid::Uuid;

use super::Lanes as OnTopics;
use super::lane::Lane;
use super::word::Word;
use crate::services::Side;
use crate::verify::report::{Finding, Invariant};
use crate::verify::sides::{Lanes, Saga};

/// What came of it for one saga.
#[derive(Debug, Default)]
pub(in crate::verify) struct Comparison {
    pub findings: Vec<Finding>,
    /// Something is missing on a topic that may have been deleted there.
    pub topic_forgot: bool,
    /// Something is on a topic of which the log need not know any more which event it was.
    pub log_forgot: bool,
}

/// One direction.
struct Way<'a> {
    saga: &'a Saga,
    topic: Topic,
    sender: Side,
    receiver: Side,
    from: &'a Lanes,
    to: &'a Lanes,
    lane: &'a Lane,
    /// The sender's log: versions and events.
    log: &'a [(i64, Uuid)],
    may_be_gone: bool,
}

/// What the topics have of an order, against what its sides say. `logs` are the events of both logs, `may_be_gone` says of both topics
/// whether records of the order may have been deleted; the order side comes first.
pub(in crate::verify) fn compare(
    saga: &Saga,
    on: &OnTopics,
    logs: [&[(i64, Uuid)]; 2],
    may_be_gone: [bool; 2],
) -> Comparison {
    let mut comparison = Comparison::default();
    let way = |sender: Side, topic, lane, log, may_be_gone| Way {
        saga,
        topic,
        sender,
        receiver: sender.other(),
        from: saga.at(sender),
        to: saga.at(sender.other()),
        lane,
        log,
        may_be_gone,
    };
    let ways = [
        way(Side::OrderService, Topic::Orders, &on.orders, logs[0], may_be_gone[0]),
        way(Side::DeliveryService, Topic::Deliveries, &on.deliveries, logs[1], may_be_gone[1]),
    ];
    for way in &ways {
        let (found, missing) = (way.differences(), way.missing());
        comparison.log_forgot |= way.log_forgot();
        comparison.topic_forgot |= way.may_be_gone && !missing.is_empty();
        let counts = if way.may_be_gone { Vec::new() } else { missing };
        let found = found.into_iter().map(|(invariant, evidence)| saga.finding(invariant, evidence));
        comparison.findings.extend(found.chain(counts));
    }
    if let Some(evidence) = unanswered(saga, on).filter(|_| !may_be_gone[1]) {
        let unheard = ways[1].not_there().collect();
        let finding = saga.finding(Invariant::I9, evidence);
        comparison.findings.push(finding.healed_by(Side::DeliveryService, saga.order_id, unheard));
    }
    comparison
}

impl Way<'_> {
    /// What should be on the topic, and is not. Where the sender has announced it, it can do so again.
    fn missing(&self) -> Vec<Finding> {
        let Way { topic, sender, receiver, from, to, lane, .. } = self;
        let gone = |version: &i64| !lane.has(*version);
        let finding = |invariant, version: i64, evidence: String| {
            let again = from.announced.contains(&version).then_some(version).into_iter().collect();
            self.saga.finding(invariant, evidence).healed_by(*sender, self.saga.order_id, again)
        };
        let sent = self.not_there().map(|version| {
            let evidence = format!("version {version} has left {sender}'s outbox, but `{topic}` has no such record");
            finding(Invariant::I11, version, evidence)
        });
        // More of them would say no more.
        let applied = (1..=to.seen).find(gone).into_iter().map(|version| {
            let evidence = format!("{receiver} has applied version {version}, but `{topic}` has no such record");
            finding(Invariant::I10, version, evidence)
        });
        let parked = to.parked.iter().copied().filter(gone).map(|version| {
            let evidence = format!("{receiver} has parked version {version}, but `{topic}` has no such record");
            finding(Invariant::I10, version, evidence)
        });
        sent.chain(applied).chain(parked).collect()
    }

    /// What has left the outbox, and is not on the topic.
    fn not_there(&self) -> impl Iterator<Item = i64> {
        let Way { from, lane, .. } = self;
        let gone = |version: &i64| !from.unsent.contains(version) && !lane.has(*version);
        from.announced.iter().copied().filter(gone)
    }

    /// What is on the topic, and not in the log, or not as that event.
    fn differences(&self) -> Vec<(Invariant, String)> {
        let Way { topic, sender, from, lane, .. } = self;
        let partition = lane.partition();
        let unknown = lane.versions().filter(|version| !from.announced.contains(version)).map(|version| {
            (
                Invariant::I11,
                format!("version {version} is on `{topic}`, partition {partition}, but not in {sender}'s log"),
            )
        });
        let others = self.log.iter().filter(|(version, event)| lane.is_another(*version, EventId(*event)));
        let others = others.map(|(version, event)| {
            (
                Invariant::I11,
                format!(
                    "version {version} is the event {event} in {sender}'s log, but another one on `{topic}`, partition {partition}"
                ),
            )
        });
        unknown.chain(others).collect()
    }

    fn log_forgot(&self) -> bool {
        let in_log = |version: &i64| self.log.iter().any(|(logged, _)| logged == version);
        self.lane.versions().any(|version| self.from.announced.contains(&version) && !in_log(&version))
    }
}

/// What the delivery side has applied has its word on its topic, unless that is still to be sent.
fn unanswered(saga: &Saga, on: &OnTopics) -> Option<String> {
    let there = &saga.at_deliveries;
    if !there.unsent.is_empty() {
        return None;
    }
    let asked_to_cancel = on.orders.word(2) == Some(Word::OrderCancelled) && there.seen >= 2;
    if asked_to_cancel && on.deliveries.says(Word::is_answer) == Some(false) {
        return Some("delivery-service has applied OrderCancelled, but `deliveries` has no answer to it".to_owned());
    }
    let no_word = there.seen >= 1 && on.deliveries.is_empty();
    no_word.then(|| "delivery-service has applied OrderCompleted, but `deliveries` has no outcome of it".to_owned())
}
