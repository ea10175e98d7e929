//! Where a database is kept: as it is, for one history; or once for all histories that lead to it, for the model.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use super::{
    coverage::Coverage,
    side::{Answer, Side, Transaction, run},
};

/// A database that transactions can be run on.
pub trait Held {
    type Side: Side;

    fn look(&self) -> &Self::Side;
    fn run(&mut self, transaction: &Transaction<<Self::Side as Side>::Command>, coverage: &mut Coverage) -> Answer;
}

impl<S: Side> Held for S {
    type Side = S;

    fn look(&self) -> &S {
        self
    }

    fn run(&mut self, transaction: &Transaction<S::Command>, coverage: &mut Coverage) -> Answer {
        run(self, transaction, coverage)
    }
}

/// A database of the model. Two that hold the same are the same, and each transaction is run on it once: what becomes of it is known
/// from then on, because the domain is pure.
#[derive(Clone)]
pub struct Known<S: Side> {
    id: usize,
    side: Arc<S>,
    library: Arc<Library<S>>,
}

type Shelved<S> = (usize, Arc<S>);
/// From a database by a transaction to a database, and with which answer.
type Ways<S> = HashMap<(usize, Transaction<<S as Side>::Command>), (Shelved<S>, Answer)>;

/// All databases that were reached, and what leads from one to another.
struct Library<S: Side> {
    ids: Mutex<HashMap<[u64; 2], Shelved<S>>>,
    ways: RwLock<Ways<S>>,
    coverage: Mutex<Coverage>,
}

impl<S: Side> Library<S> {
    /// Its number, and the one that was there before, if there was one.
    fn shelve(&self, side: S) -> Shelved<S> {
        let text = format!("{side:?}");
        let print = [0_u8, 1].map(|salt| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            hasher.finish()
        });
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let next = ids.len();
        ids.entry(print).or_insert_with(|| (next, Arc::new(side))).clone()
    }
}

impl<S: Side> Known<S> {
    /// The first of a library.
    pub fn first(side: S) -> Self {
        let library = Library { ids: Mutex::default(), ways: RwLock::default(), coverage: Mutex::default() };
        let (id, side) = library.shelve(side);
        Self { id, side, library: Arc::new(library) }
    }

    pub fn id(&self) -> usize {
        self.id
    }

    /// How many databases were reached, and by how many transactions.
    pub fn counted(&self) -> [usize; 2] {
        let ids = self.library.ids.lock().unwrap_or_else(PoisonError::into_inner).len();
        [ids, self.library.ways.read().unwrap_or_else(PoisonError::into_inner).len()]
    }

    /// What all of them came through.
    pub fn coverage(&self) -> Coverage {
        self.library.coverage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Side> Held for Known<S> {
    type Side = S;

    fn look(&self) -> &S {
        &self.side
    }

    fn run(&mut self, transaction: &Transaction<S::Command>, _: &mut Coverage) -> Answer {
        let way = (self.id, transaction.clone());
        let known = self.library.ways.read().unwrap_or_else(PoisonError::into_inner).get(&way).cloned();
        let ((id, side), answer) = known.unwrap_or_else(|| {
            let (mut side, mut coverage) = (S::clone(&self.side), Coverage::default());
            let answer = run(&mut side, transaction, &mut coverage);
            self.library.coverage.lock().unwrap_or_else(PoisonError::into_inner).add(coverage);
            let to = (self.library.shelve(side), answer);
            self.library.ways.write().unwrap_or_else(PoisonError::into_inner).insert(way, to.clone());
            to
        });
        (self.id, self.side) = (id, side);
        answer
    }
}

impl<S: Side> PartialEq for Known<S> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<S: Side> Eq for Known<S> {}

impl<S: Side> Hash for Known<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl<S: Side> fmt::Debug for Known<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {}", self.id)
    }
}
