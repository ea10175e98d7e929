//! What lay on both topics, also what somebody has taken away since: the audit reads all of it.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, ensure};

use crate::broker::{self, Record};
use crate::fault::Side;

/// A place of a topic: partition, offset.
pub type Spot = (i32, i64);

/// Where a record lies: topic, partition, offset.
pub type Place = (String, i32, i64);

/// What was ever on both topics.
#[derive(Debug)]
pub struct Archive {
    /// Each has at least the life that it has now.
    topics: [Vec<Life>; 2],
}

impl Default for Archive {
    fn default() -> Self {
        Self { topics: [vec![Life::default()], vec![Life::default()]] }
    }
}

/// A topic from when it was made until the broker lost it.
#[derive(Debug, Default)]
struct Life {
    /// Copied before it was taken away.
    taken: BTreeMap<Spot, Record>,
    /// Where records lie that nobody can read.
    poison: HashSet<Spot>,
    /// What was taken away before anybody had to have read it.
    unread: HashSet<Spot>,
}

impl Life {
    fn found(&self, spot: Spot, record: Record, is_over: bool) -> Found {
        Found { record, is_poison: self.poison.contains(&spot), is_lost: is_over || self.unread.contains(&spot) }
    }
}

/// A record, and whether it is one that nobody can read.
#[derive(Clone, Debug)]
pub struct Found {
    pub record: Record,
    pub is_poison: bool,
    /// Whether it went with the topic, or before anybody had to have read it: what it says had to be said once more.
    pub is_lost: bool,
}

/// How often something that nobody can read came to lie at one place. Where a topic was made anew, that can be more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub at_least: u64,
    pub at_most: u64,
}

impl Archive {
    /// Notes where somebody has put what nobody can read.
    pub fn poisoned(&mut self, side: Side, spots: impl IntoIterator<Item = Spot>) {
        self.now(side).poison.extend(spots);
    }

    pub fn is_poison(&self, side: Side, spot: Spot) -> bool {
        self.topics[side.index()].last().is_some_and(|life| life.poison.contains(&spot))
    }

    /// Keeps what is about to be taken away. Not all of it must have been read.
    pub fn takes(&mut self, side: Side, records: Vec<Record>, is_unread: impl Fn(Spot) -> bool) {
        let life = self.now(side);
        let spots = || records.iter().map(|record| (record.partition, record.offset));
        life.unread.extend(spots().filter(|spot| is_unread(*spot)));
        life.taken.extend(records.into_iter().map(|record| ((record.partition, record.offset), record)));
    }

    /// The topic is gone, and what comes is another one of the same name.
    pub fn begins_anew(&mut self, side: Side) {
        self.topics[side.index()].push(Life::default());
    }

    /// Everything, life after life, partition after partition: also what is on the topic at this moment.
    pub async fn all(&self, bootstrap: &str, side: Side) -> Result<Vec<Found>> {
        let mut there = broker::read_all(bootstrap, side.announces_on()).await?;
        let lives = &self.topics[side.index()];
        let mut all = Vec::new();
        for (at, life) in lives.iter().enumerate() {
            let is_over = at + 1 < lives.len();
            let mut records = life.taken.clone();
            if !is_over {
                records.extend(there.drain(..).map(|record| ((record.partition, record.offset), record)));
            }
            complete(records.keys())?;
            all.extend(records.into_iter().map(|(spot, record)| life.found(spot, record, is_over)));
        }
        Ok(all)
    }

    /// How often there was poison where.
    pub fn poison(&self) -> BTreeMap<Place, Times> {
        let mut poison: BTreeMap<Place, Times> = BTreeMap::new();
        for side in Side::BOTH {
            for life in &self.topics[side.index()] {
                for (partition, offset) in &life.poison {
                    let times = poison.entry((side.announces_on().to_owned(), *partition, *offset)).or_default();
                    times.at_most += 1;
                    times.at_least += u64::from(!life.unread.contains(&(*partition, *offset)));
                }
            }
        }
        poison
    }

    fn now(&mut self, side: Side) -> &mut Life {
        self.topics[side.index()].last_mut().expect("a topic has a life")
    }
}

/// Whoever takes something away without keeping it would make the audit blind.
fn complete<'a>(spots: impl Iterator<Item = &'a Spot>) -> Result<()> {
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    for (partition, offset) in spots {
        let expected = next.entry(*partition).or_default();
        ensure!(offset == expected, "partition {partition} has lost its records from {expected} to {offset}");
        *expected += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_in_what_was_kept_is_found() {
        assert!(complete([(0, 0), (0, 1), (3, 0)].iter()).is_ok());
        assert!(complete([(0, 0), (0, 2)].iter()).is_err());
        assert!(complete([(0, 1)].iter()).is_err());
    }

    #[test]
    fn poison_of_two_lives_at_one_place_is_there_twice_and_what_was_taken_unread_perhaps() {
        let mut archive = Archive::default();
        archive.poisoned(Side::Orders, [(0, 0), (0, 1)]);
        let record = |offset| Record { partition: 0, offset, key: None, headers: Vec::new(), payload: None };
        archive.takes(Side::Orders, vec![record(0), record(1)], |(_, offset)| offset > 0);
        archive.begins_anew(Side::Orders);
        archive.poisoned(Side::Orders, [(0, 0)]);
        let place = |offset| ("orders".to_owned(), 0, offset);
        let times = |at_least, at_most| Times { at_least, at_most };
        assert_eq!(archive.poison(), BTreeMap::from([(place(0), times(2, 2)), (place(1), times(0, 1))]));
    }

    #[test]
    fn what_was_taken_unread_and_what_went_with_its_topic_is_lost() {
        let mut archive = Archive::default();
        let record = |offset| Record { partition: 0, offset, key: None, headers: Vec::new(), payload: None };
        archive.takes(Side::Orders, vec![record(0), record(1)], |(_, offset)| offset > 0);
        let life = &archive.topics[Side::Orders.index()][0];
        let is_lost = |offset, is_over| life.found((0, offset), record(offset), is_over).is_lost;
        assert_eq!([is_lost(0, false), is_lost(1, false), is_lost(2, false)], [false, true, false]);
        assert!(is_lost(0, true));
    }
}
