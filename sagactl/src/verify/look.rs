//! One look at some sagas: in one snapshot of each database, and at what was read of the topics until now.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use shared_events::Topic;
use uuid::Uuid;

use super::published::{self, Published};
use super::report::{Finding, Repeat, WaitingFor};
use super::snapshot::Snapshot;
use super::waiting::Standing;
use super::{agreement, sides, waiting};
use crate::services::Side;

/// What may be in flight, by order.
pub(super) type Suspects = BTreeMap<Uuid, BTreeSet<Finding>>;

/// What a look tells besides.
#[derive(Default)]
pub(super) struct Notes {
    pub waiting: BTreeMap<WaitingFor, u64>,
    /// Orders that could not be judged because a topic may have deleted their records.
    pub topic_forgot: u64,
    /// Orders of which a log need not know any more what it announced.
    pub log_forgot: u64,
}

/// Looks at these sagas, and returns what contradicts itself.
pub(super) async fn at(
    snapshot: &mut Snapshot,
    mut published: Option<&mut Published>,
    ids: &[Uuid],
    notes: &mut Notes,
) -> Result<Suspects> {
    let (here, there) = snapshot.both();
    let logs = match published {
        Some(_) => [sides::logged(here, ids).await?, sides::logged(there, ids).await?],
        None => Default::default(),
    };
    let mut suspects = Suspects::new();
    for saga in sides::sagas(here, there, ids).await? {
        let mut found = examine(&saga, notes);
        if let Some(published) = published.as_deref_mut() {
            let logs = [0, 1].map(|side: usize| logs[side].get(&saga.order_id).map_or(&[][..], Vec::as_slice));
            found.extend(compare(&saga, published, logs, notes));
            found = found.into_iter().map(|finding| within(finding, logs)).collect();
        }
        if !found.is_empty() {
            suspects.insert(saga.order_id, found);
        }
    }
    Ok(suspects)
}

fn examine(saga: &sides::Saga, notes: &mut Notes) -> BTreeSet<Finding> {
    let mut found: BTreeSet<Finding> = agreement::contradictions(saga).into_iter().collect();
    match waiting::standing(saga) {
        None | Some(Standing::Ended) => {}
        Some(Standing::Waiting(cause)) => *notes.waiting.entry(cause).or_default() += 1,
        Some(Standing::Stuck(finding)) => {
            found.insert(finding);
        }
    }
    found
}

fn compare(
    saga: &sides::Saga,
    published: &mut Published,
    logs: [&[(i64, Uuid)]; 2],
    notes: &mut Notes,
) -> Vec<Finding> {
    let may_be_gone = [Topic::Orders, Topic::Deliveries].map(|topic| published.may_be_gone(topic, saga.order_id));
    let comparison = published::compare(saga, &published.of(saga.order_id), logs, may_be_gone);
    notes.topic_forgot += u64::from(comparison.topic_forgot);
    notes.log_forgot += u64::from(comparison.log_forgot);
    comparison.findings
}

/// What a log does not have any more cannot be announced again.
fn within(finding: Finding, logs: [&[(i64, Uuid)]; 2]) -> Finding {
    let Some(Repeat { owner, order_id, versions }) = finding.repeat.clone() else { return finding };
    let log = match owner {
        Side::OrderService => logs[0],
        Side::DeliveryService => logs[1],
    };
    let in_log = |version: &i64| log.iter().any(|(logged, _)| logged == version);
    finding.healed_by(owner, order_id, versions.into_iter().filter(in_log).collect())
}

/// What was found both times.
pub(super) fn in_both(before: &Suspects, now: Suspects) -> Suspects {
    let still = now.into_iter().filter_map(|(order_id, found)| {
        let both: BTreeSet<Finding> = before.get(&order_id)?.intersection(&found).cloned().collect();
        (!both.is_empty()).then_some((order_id, both))
    });
    still.collect()
}

pub(super) fn count(suspects: &Suspects) -> usize {
    suspects.values().map(BTreeSet::len).sum()
}
