//! Customers who ask again under the same key until they are told that their order is placed.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{bail, ensure};
use http::StatusCode;
use tests::{PATIENCE, Shop, eventually};

/// What customers have seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// Key and id of every order that was placed.
    placed: Mutex<BTreeMap<String, String>>,
    unavailable: AtomicUsize,
    cut_off: AtomicUsize,
    is_over: AtomicBool,
}

impl Seen {
    /// Asks until the order is placed. "Not now" has to be a problem document that says when to come back.
    pub async fn insist(&self, shop: &Shop, key: &str) {
        let id = eventually(&format!("order {key} is placed"), PATIENCE, async || {
            match shop.place_once(key, &super::order()).await {
                Ok(reply) if reply.status == StatusCode::CREATED => Ok(reply.text("/id")),
                Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
                    assert!(reply.is_not_now(), "no clean 503: {reply:?}");
                    self.unavailable.fetch_add(1, Ordering::SeqCst);
                    bail!("{reply:?}")
                }
                Ok(reply) => panic!("neither placed nor refused for now: {reply:?}"),
                Err(error) => {
                    self.cut_off.fetch_add(1, Ordering::SeqCst);
                    bail!("{error:#}")
                }
            }
        })
        .await;
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), id);
    }

    /// One customer after the other, each with an order of their own, until it is [`Seen::over`].
    pub async fn keep_ordering(&self, shop: &Shop, who: usize) {
        let mut count = 0;
        while self.goes_on() {
            self.insist(shop, &format!("{who}-{count}")).await;
            count += 1;
        }
    }

    pub fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }

    /// Nobody begins a new order any more.
    pub fn over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    pub fn ids(&self) -> Vec<String> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// How many answers were "not now", and how many never came.
    pub fn setbacks(&self) -> (usize, usize) {
        (self.unavailable.load(Ordering::SeqCst), self.cut_off.load(Ordering::SeqCst))
    }

    /// Waits until so many more orders are placed than now.
    pub async fn more(&self, count: usize) {
        let goal = self.ids().len() + count;
        eventually(&format!("{count} more orders are placed"), Duration::from_secs(90), async || {
            let placed = self.ids().len();
            ensure!(placed >= goal, "{placed} of {goal}, {:?}", self.setbacks());
            Ok(())
        })
        .await;
    }
}
