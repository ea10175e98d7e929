//! Why orders wait: what each side can tell by itself, put together with what the other has seen and how far the consumers have come.
//!
//! The services call each other in no way, so neither can say whether the other is behind, or has lost something. Whoever asks both can.
//! What looks lost is looked at again: it counts only if the consumer had nothing left to read in between.

mod facts;
mod judge;
mod lags;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use chassis::messaging::KafkaSettings;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::services::{Services, Side};

use facts::{Asked, Facts};
use judge::{Evidence, Verdict};
use lags::Lags;

pub use judge::Cause;
pub use report::{Report, Row};

/// What is to be looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// These orders; whatever waits, if there is none.
    pub orders: Vec<Uuid>,
    /// Only orders that were placed so many seconds ago, or longer.
    pub older_than_s: Option<u64>,
    /// So many at most, the oldest first.
    pub most: usize,
    /// Where to ask Kafka itself how far the services have come, and under which prefix: with several instances behind one address no
    /// single one of them knows.
    pub kafka: Option<KafkaSettings>,
}

impl Default for Options {
    fn default() -> Self {
        Self { orders: Vec::new(), older_than_s: None, most: 1_000, kafka: None }
    }
}

/// Looks at both sides and names what each waiting order waits for. `now` is what ages and deadlines are measured by.
///
/// # Errors
/// Neither side could be asked.
pub async fn look(services: &Services, options: &Options, now: DateTime<Utc>) -> Result<Report> {
    let asked = Asked { orders: options.orders.clone(), older_than_s: options.older_than_s, most: options.most };
    let facts = facts::gather(services, &asked).await;
    if facts.unseen.len() == Side::BOTH.len() {
        bail!("{}", facts.unseen.values().cloned().collect::<Vec<_>>().join("; "));
    }
    // After the facts: whatever they tell of was published by then.
    let lags = lags::look(services, options.kafka.as_ref()).await;
    let mut verdicts = judged(&facts, &lags);
    let suspected: BTreeMap<Uuid, BTreeSet<Evidence>> =
        verdicts.iter().filter_map(|(id, verdict)| Some((*id, verdict.suspected()?.clone()))).collect();
    if !suspected.is_empty() {
        confirm(services, options, suspected, &mut verdicts).await;
    }
    Ok(Report::of(facts, verdicts, &lags, now))
}

/// Looks again at what seemed lost. What the consumer has passed by now and nobody knows of is.
async fn confirm(
    services: &Services,
    options: &Options,
    suspected: BTreeMap<Uuid, BTreeSet<Evidence>>,
    verdicts: &mut BTreeMap<Uuid, Verdict>,
) {
    let orders: Vec<Uuid> = suspected.keys().copied().collect();
    let mut again = BTreeMap::new();
    for orders in orders.chunks(facts::AT_ONCE) {
        let asked = Asked { orders: orders.to_vec(), older_than_s: None, most: orders.len() };
        let facts = facts::gather(services, &asked).await;
        let lags = lags::look(services, options.kafka.as_ref()).await;
        again.extend(judged(&facts, &lags));
    }
    for (order, before) in suspected {
        verdicts.remove(&order);
        if let Some(verdict) = again.remove(&order) {
            verdicts.insert(order, verdict.confirmed(&before));
        }
    }
}

fn judged(facts: &Facts, lags: &Lags) -> BTreeMap<Uuid, Verdict> {
    let judge = |(id, saga): (&Uuid, &facts::Saga)| Some((*id, judge::judge(*id, saga, lags)?));
    facts.sagas.iter().filter_map(judge).collect()
}
