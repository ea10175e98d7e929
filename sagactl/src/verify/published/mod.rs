//! What the topics hold, as the invariants need it: read once from end to end, and then on from there.
//!
//! Kept is a lane of fixed size for each order and topic, 136 bytes for both with the id: an order may have as many repeats as it likes,
//! and millions of orders fit. Of records that cannot be decoded the first ones are kept, and their number.

mod compared;
mod lane;
mod word;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::ProgressBar;
use shared_events::{OrderId, Topic};
use uuid::Uuid;

pub(super) use compared::compare;
pub(super) use lane::Lane;

use self::lane::Said;
use self::word::Word;
use super::report::{Finding, Invariant, TopicsRead, Unreadable};
use crate::topics::{KafkaSettings, Reader, Seen};

/// By how much the clocks of those who place orders and those who send records may differ.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(1);

/// One order on both topics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes {
    pub orders: Lane,
    pub deliveries: Lane,
    /// Whether the order was looked at.
    looked_at: bool,
}

/// Both topics, as far as they were read.
pub(super) struct Published {
    readers: [Reader; 2],
    kept: Kept,
    progress: ProgressBar,
}

/// What is kept of the records.
struct Kept {
    lanes: HashMap<Uuid, Lanes>,
    cuts: [Cut; 2],
    read: TopicsRead,
    /// What was found against I8 while reading; it stays so. At most so many of them, and how many there are.
    out_of_order: Vec<Finding>,
    out_of_order_total: u64,
    most: usize,
}

/// The partitions of a topic whose oldest records are gone, with the moment of the first record that is left.
struct Cut(BTreeMap<i32, Option<DateTime<Utc>>>);

impl Cut {
    /// Whether records of this order may be among those that are gone, from this partition, or, where none is told, from any.
    fn concerns(&self, order_id: Uuid, partition: Option<i32>) -> bool {
        let mut cuts = self.0.iter().filter(|(cut, _)| partition.is_none_or(|partition| partition == **cut));
        cuts.any(|(_, left_from)| left_from.is_none_or(|from| order_id < OrderId::earliest_at(from + CLOCKS_DIFFER).0))
    }

    fn first_left(&mut self, partition: i32, at: Option<DateTime<Utc>>) {
        if let Some(left_from @ None) = self.0.get_mut(&partition) {
            *left_from = at;
        }
    }
}

fn index(topic: Topic) -> usize {
    match topic {
        Topic::Orders => 0,
        Topic::Deliveries => 1,
    }
}

impl Published {
    /// Reads both topics to where they end now. At most so many findings and unreadable records are kept.
    pub async fn read(settings: &KafkaSettings, progress: &ProgressBar, most: usize) -> Result<Self> {
        let (settings, progress) = (settings.clone(), progress.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let readers = [
                Reader::from_beginning(&settings, Topic::Orders)?,
                Reader::from_beginning(&settings, Topic::Deliveries)?,
            ];
            let cuts =
                [0, 1].map(|topic: usize| Cut(readers[topic].cut().map(|partition| (partition, None)).collect()));
            let kept = Kept {
                lanes: HashMap::new(),
                cuts,
                read: TopicsRead::default(),
                out_of_order: Vec::new(),
                out_of_order_total: 0,
                most,
            };
            Self { readers, kept, progress }.go_on_here()
        });
        opened.await.context("the reading of the topics died")?
    }

    /// Reads on to where both topics end now: only what is new.
    pub async fn go_on(self) -> Result<Self> {
        tokio::task::spawn_blocking(|| self.go_on_here()).await.context("the reading of the topics died")?
    }

    fn go_on_here(mut self) -> Result<Self> {
        let mut offsets = 0;
        for reader in &mut self.readers {
            offsets += reader.look_ahead()?;
        }
        self.progress.set_length(self.kept.read.records + offsets);
        for reader in &mut self.readers {
            let (topic, kept, progress) = (reader.topic(), &mut self.kept, &self.progress);
            reader.read(|seen| {
                kept.add(topic, &seen);
                progress.inc(1);
            })?;
        }
        Ok(self)
    }

    /// What the topics have of this order, which is looked at by that.
    pub fn of(&mut self, order_id: Uuid) -> Lanes {
        let Some(lanes) = self.kept.lanes.get_mut(&order_id) else { return Lanes::default() };
        lanes.looked_at = true;
        *lanes
    }

    /// Whether records of this order may have been deleted from the topic.
    pub fn may_be_gone(&self, topic: Topic, order_id: Uuid) -> bool {
        self.kept.cuts[index(topic)].concerns(order_id, None)
    }

    /// The orders that were not looked at. Once every order of the databases was: those that only the topics know.
    pub fn not_looked_at(&self) -> Vec<Uuid> {
        let others = self.kept.lanes.iter().filter(|(_, lanes)| !lanes.looked_at);
        others.map(|(order_id, _)| *order_id).collect()
    }

    /// What was found against I8, and what the words of the lanes have against I9: nothing that could settle. Each with how many there
    /// are.
    pub fn final_findings(&self) -> [(Vec<Finding>, u64); 2] {
        let (mut second_words, mut total) = (Vec::new(), 0);
        for (order_id, lanes) in &self.kept.lanes {
            for (lane, topic) in [(&lanes.orders, Topic::Orders), (&lanes.deliveries, Topic::Deliveries)] {
                let Some(evidence) = lane.second_word() else { continue };
                total += 1;
                if second_words.len() < self.kept.most {
                    second_words.push(about(Invariant::I9, *order_id, topic, &evidence));
                }
            }
        }
        [(self.kept.out_of_order.clone(), self.kept.out_of_order_total), (second_words, total)]
    }

    /// How much was read.
    pub fn so_far(&self) -> TopicsRead {
        let orders = self.kept.lanes.len() as u64;
        TopicsRead { orders, ..self.kept.read.clone() }
    }
}

fn about(invariant: Invariant, order_id: Uuid, topic: Topic, evidence: &str) -> Finding {
    Finding::new(invariant, format!("order {order_id}"), format!("on `{topic}` {evidence}"))
}

impl Kept {
    fn add(&mut self, topic: Topic, seen: &Seen) {
        let record = &seen.record;
        self.read.records += 1;
        self.cuts[index(topic)].first_left(record.partition, seen.at);
        let (order_id, version, what) = match record.envelope(topic) {
            Ok(envelope) => (envelope.order_id, envelope.version, Some((envelope.id, Word::of(&envelope.event)))),
            Err(why) => {
                self.add_unreadable(seen, &why.to_string());
                // What it claims to be is no hole, even if nobody can read it.
                let Some((order_id, version)) = record.place() else { return };
                (order_id, version, None)
            }
        };
        let cut = self.cuts[index(topic)].concerns(order_id.0, Some(record.partition));
        let lanes = self.lanes.entry(order_id.0).or_default();
        let lane = match topic {
            Topic::Orders => &mut lanes.orders,
            Topic::Deliveries => &mut lanes.deliveries,
        };
        self.read.repeats += u64::from(lane.has(version.0));
        let said = Said { partition: record.partition, offset: record.offset, version, what };
        if let Some(evidence) = lane.add(&said, cut) {
            self.out_of_order_total += 1;
            if self.out_of_order.len() < self.most {
                self.out_of_order.push(about(Invariant::I8, order_id.0, topic, &evidence));
            }
        }
    }

    fn add_unreadable(&mut self, seen: &Seen, why: &str) {
        self.read.unreadable += 1;
        if self.read.first_unreadable.len() < self.most {
            let record = &seen.record;
            self.read.first_unreadable.push(Unreadable {
                topic: record.topic.to_string(),
                partition: record.partition,
                offset: record.offset,
                why: why.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
