//! How far this instance's consumer has come, for whoever asks: which partitions are its own, and up to where it has applied them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Kept by the consumer. Cheap, and never part of a transaction.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Standpoint>>);

/// Where a consumer stands at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standpoint {
    /// Its partitions, each with the offset that comes next. None where nothing was applied since the partition came.
    pub partitions: BTreeMap<i32, Option<i64>>,
    /// Whether it fetches nothing for now.
    pub is_paused: bool,
}

impl Progress {
    /// Where it stands now.
    #[must_use]
    pub fn now(&self) -> Standpoint {
        self.lock().clone()
    }

    /// These are its partitions from now on, and no others.
    pub(super) fn assigned(&self, partitions: impl Iterator<Item = i32>) {
        self.lock().partitions = partitions.map(|partition| (partition, None)).collect();
    }

    /// It has no partitions any more.
    pub(super) fn revoked(&self) {
        *self.lock() = Standpoint::default();
    }

    /// The outcome of everything before this offset is committed.
    pub(super) fn applied(&self, partition: i32, next: i64) {
        if let Some(position) = self.lock().partitions.get_mut(&partition) {
            *position = Some(next);
        }
    }

    /// Whether it fetches nothing for now.
    pub(super) fn set_paused(&self, is_paused: bool) {
        self.lock().is_paused = is_paused;
    }

    fn lock(&self) -> MutexGuard<'_, Standpoint> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_moves_and_a_new_assignment_begins_anew() {
        let progress = Progress::default();
        progress.applied(0, 7);
        assert_eq!(progress.now(), Standpoint::default());
        progress.assigned([0, 2].into_iter());
        progress.applied(0, 7);
        progress.applied(1, 9);
        progress.set_paused(true);
        let partitions = BTreeMap::from([(0, Some(7)), (2, None)]);
        assert_eq!(progress.now(), Standpoint { partitions, is_paused: true });
        progress.revoked();
        assert_eq!(progress.now(), Standpoint::default());
    }
}
