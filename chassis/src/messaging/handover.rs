//! From a commit to the relay of the same process: what was announced goes over as it is, so that the relay need not read it back.
//!
//! The outbox stays the truth. What does not fit, or may not be handed over, is found there; a hand-over saves a look, and nothing
//! depends on it.

use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::outbox::Pending;
use crate::clock;

/// How much waits for a relay that is busy, or stands by, at most: a few batches. Beyond that it looks into the outbox.
const MOST_EVENTS: usize = 1_024;
const MOST_BYTES: usize = 1024 * 1024;

/// The way to the relay of this process, after a commit. Cheap, and never part of a transaction.
#[derive(Debug, Clone, Default)]
pub struct HandOver(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    look: AtomicBool,
    called: Notify,
    flow: Mutex<Flow>,
}

/// What the relay of this process has under way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flow {
    /// How many events are given to Kafka, and their pointers still there.
    pub in_flight: usize,
    /// When the last acknowledgement came.
    pub acknowledged_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<Pending>,
    bytes: usize,
}

/// What one transaction has announced. It means nothing before the commit.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// What may go out at once: there is no lower version of these orders, and never was.
    pub first: Vec<Pending>,
    /// Whether there is more, which only the outbox can say when to send.
    pub more: bool,
}

impl HandOver {
    /// There may be something in the outbox: look.
    pub fn wake(&self) {
        self.0.look.store(true, Ordering::Release);
        self.0.called.notify_one();
    }

    /// This was announced, and is committed.
    pub(crate) fn committed(&self, announced: Announced) {
        let Announced { first, more } = announced;
        let fits = first.is_empty() || self.hand_over(first);
        if more || !fits {
            self.wake();
        }
    }

    /// Whether there was room for all of it. Where there was none, none of it is kept.
    fn hand_over(&self, mut events: Vec<Pending>) -> bool {
        let bytes: usize = events.iter().map(Pending::bytes).sum();
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.events.len() + events.len() > MOST_EVENTS || waiting.bytes + bytes > MOST_BYTES {
            return false;
        }
        waiting.events.append(&mut events);
        waiting.bytes += bytes;
        drop(waiting);
        self.0.arrived.notify_one();
        true
    }

    /// All that was handed over so far, oldest first.
    pub(super) fn take(&self) -> Vec<Pending> {
        mem::take(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)).events
    }

    /// Returns when something is handed over, or at once if something was since the last time.
    pub(super) async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Whether somebody has called for a look that nobody has taken yet.
    pub(super) fn is_called(&self) -> bool {
        self.0.look.load(Ordering::Acquire)
    }

    /// Takes the call for a look, if there is one. What is committed from now on calls anew.
    pub(super) fn take_call(&self) -> bool {
        self.0.look.swap(false, Ordering::AcqRel)
    }

    /// The relay tells how much it has in flight, and how many acknowledged pointers it has just deleted.
    pub(super) fn tell(&self, in_flight: usize, relayed: usize) {
        let mut flow = self.0.flow.lock().unwrap_or_else(PoisonError::into_inner);
        flow.in_flight = in_flight;
        if relayed > 0 {
            flow.acknowledged_at = Some(clock::now());
        }
    }

    /// What it told last.
    pub(super) fn flow(&self) -> Flow {
        *self.0.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns at the next call for a look, or at once if there was one since the last time.
    pub(super) async fn called(&self) {
        self.0.called.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use shared_events::OrderId;
    use uuid::Uuid;

    use super::*;

    fn announced(events: usize, more: bool) -> Announced {
        let pending = |seq: usize| Pending {
            seq: i64::try_from(seq).expect("few"),
            order_id: OrderId(Uuid::from_u128(seq as u128)),
            record: None,
        };
        Announced { first: (0..events).map(pending).collect(), more }
    }

    /// How many events come over, and whether the relay is called to look for others.
    fn told(relay: &HandOver) -> (usize, bool) {
        (relay.take().len(), relay.take_call())
    }

    #[test]
    fn first_events_come_over_without_a_call_and_all_else_calls() {
        let relay = HandOver::default();
        relay.committed(announced(0, false));
        assert_eq!(told(&relay), (0, false));
        relay.committed(announced(3, false));
        relay.committed(announced(2, false));
        assert_eq!(told(&relay), (5, false));
        relay.committed(announced(3, true));
        assert_eq!(told(&relay), (3, true));
        assert_eq!(told(&relay), (0, false), "it is told once");
    }

    #[test]
    fn what_finds_no_room_calls_for_a_look() {
        let relay = HandOver::default();
        relay.committed(announced(MOST_EVENTS + 1, false));
        assert_eq!(told(&relay), (0, true));
        relay.committed(announced(MOST_EVENTS, false));
        relay.committed(announced(1, false));
        assert_eq!(told(&relay), (MOST_EVENTS, true));
        relay.committed(announced(MOST_EVENTS, false));
        assert_eq!(told(&relay), (MOST_EVENTS, false), "what was taken leaves room");
    }
}
