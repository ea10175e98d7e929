//! What a topic has of one order: as much as the rules need, and of the same size for every order. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

use shared_events::{EventId, Version};

use super::word::Word;

/// How many versions are remembered one by one. No order has more than three events on a topic.
const KEPT: usize = 4;

/// One record of the order.
#[derive(Clone, Copy, Debug)]
pub(in crate::verify) struct Said {
    pub partition: i32,
    pub offset: i64,
    pub version: Version,
    /// None: it could not be decoded.
    pub what: Option<(EventId, Word)>,
}

/// One order's lane.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::verify) struct Lane {
    partition: i32,
    /// The first version that was read, and the highest; none while they are 0.
    first: u32,
    highest: u32,
    /// What is wrong with the order of its records was said already.
    complained: bool,
    /// Of the first versions: which are there, what they say, and which events they are.
    there: [bool; KEPT],
    words: [Option<Word>; KEPT],
    events: [u64; KEPT],
}

/// Tells events apart without keeping their ids: two of them look alike once in 2⁶⁴.
fn fingerprint(id: EventId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish().max(1)
}

fn place(version: u32) -> Option<usize> {
    (version as usize).checked_sub(1).filter(|place| *place < KEPT)
}

impl Lane {
    /// One more record. Answers with what it shows to be against I8, the first time for each lane: the versions are 1…n, in order, on one
    /// partition, without a hole; repeats are allowed. `cut`: the records of this order that were before it may be gone.
    pub fn add(&mut self, said: &Said, cut: bool) -> Option<String> {
        let version = u32::try_from(said.version.0).unwrap_or(u32::MAX);
        let against = self.against(said, version, cut).filter(|_| !self.complained);
        self.complained |= against.is_some();
        if self.highest == 0 {
            (self.partition, self.first) = (said.partition, version);
        }
        self.highest = self.highest.max(version);
        if let Some(place) = place(version) {
            self.there[place] = true;
            if let Some((id, word)) = said.what.filter(|_| self.events[place] == 0) {
                (self.events[place], self.words[place]) = (fingerprint(id), Some(word));
            }
        }
        against
    }

    fn against(&self, said: &Said, version: u32, cut: bool) -> Option<String> {
        let Said { partition, offset, .. } = said;
        let at = format!("version {version}, partition {partition}, offset {offset}");
        if self.highest == 0 {
            let begins_well = version == 1 || cut;
            return (!begins_well).then(|| format!("begins with {at}: what should be before it is not there"));
        }
        if *partition != self.partition {
            return Some(format!("is on partition {} and on another one: {at}", self.partition));
        }
        if version > self.highest.saturating_add(1) {
            return Some(format!("has {at}, right after version {}: there is a hole", self.highest));
        }
        let (id, _) = said.what?;
        let is_another = self.event(version.into()).is_some_and(|known| known != fingerprint(id));
        is_another.then(|| format!("has {at}, as another event ({id}) than the version {version} before it"))
    }

    /// Whether anything of the order was read.
    pub fn is_empty(&self) -> bool {
        self.highest == 0
    }

    pub fn partition(&self) -> i32 {
        self.partition
    }

    pub fn highest(&self) -> i64 {
        self.highest.into()
    }

    /// Whether a record of this version was read. Those that are too many to be kept apart: whether it lies between the first and the
    /// highest.
    pub fn has(&self, version: i64) -> bool {
        let Ok(version) = u32::try_from(version) else { return false };
        place(version).map_or(version >= self.first && version <= self.highest, |place| self.there[place])
    }

    /// Every version that was read; of those that are too many, the highest.
    pub fn versions(&self) -> impl Iterator<Item = i64> {
        let kept = (1..).zip(self.there).filter(|(_, there)| *there).map(|(version, _)| version);
        let highest = self.highest();
        kept.chain((self.highest as usize > KEPT).then_some(highest))
    }

    /// Whether this version is another event than this one, as far as is known.
    pub fn is_another(&self, version: i64, id: EventId) -> bool {
        self.event(version).is_some_and(|known| known != fingerprint(id))
    }

    fn event(&self, version: i64) -> Option<u64> {
        let place = place(u32::try_from(version).ok()?)?;
        Some(self.events[place]).filter(|event| *event != 0)
    }

    /// What this version says.
    pub fn word(&self, version: u32) -> Option<Word> {
        place(version).and_then(|place| self.words[place])
    }

    /// Whether any of the versions says something of this kind. None: one of them could not be decoded, or was not kept.
    pub fn says(&self, is_one: impl Fn(Word) -> bool) -> Option<bool> {
        let mut words = (0..KEPT).filter(|place| self.there[*place]).map(|place| self.words[place]);
        if words.clone().flatten().any(is_one) {
            return Some(true);
        }
        let all_known = words.all(|word| word.is_some()) && self.highest as usize <= KEPT;
        all_known.then_some(false)
    }

    /// What its words have against I9: one outcome and one answer, and no second one.
    pub fn second_word(&self) -> Option<String> {
        if self.highest as usize > KEPT {
            return Some(format!(
                "has {} versions on partition {}: no order has so many",
                self.highest, self.partition
            ));
        }
        let first = self.word(1).filter(|first| !first.may_begin());
        if let Some(first) = first {
            return Some(format!("begins with {first}, on partition {}: nothing led to it", self.partition));
        }
        (2..=self.highest).find_map(|version| {
            let (before, word) = (self.word(version - 1)?, self.word(version)?);
            let is_wrong = !before.may_be_followed_by(word);
            is_wrong.then(|| {
                let what = match (word.is_outcome(), word.is_answer() && before.is_answer()) {
                    (true, _) => "a second outcome",
                    (false, true) => "a second answer",
                    (false, false) => "nothing led to it",
                };
                format!(
                    "has {before} as version {} and then {word} as version {version}, on partition {}: {what}",
                    version - 1,
                    self.partition
                )
            })
        })
    }
}

#[cfg(test)]
mod tests;
