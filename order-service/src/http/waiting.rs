//! Callers that wait for what becomes of their order.
//!
//! Whether another instance has applied the answer can only be seen in the database, so one task asks it for all who
//! wait, once in 50 ms. What this instance applies itself it hears of at once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use chassis::{
    Api,
    http::{Answer, Later},
};
use http::{HeaderName, HeaderValue, StatusCode};
use shared_events::OrderId;
use sqlx::PgPool;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::view::OrderView;
use crate::{domain::Status, requests::Request, store, store::Known};

/// How many may wait at once; whoever comes on top is answered without waiting.
const SEATS: usize = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Lets callers wait.
#[derive(Clone)]
pub(super) struct Waiters {
    seats: Arc<Semaphore>,
    joining: mpsc::Sender<Waiter>,
}

struct Waiter {
    order_id: OrderId,
    answered: oneshot::Sender<Arc<Known>>,
}

/// A caller's right to wait, taken before the order is placed. Who waits is known only once the order is: what was decided in between is
/// found by the next look.
pub(super) struct Seat {
    wait: Duration,
    joining: mpsc::Sender<Waiter>,
    permit: OwnedSemaphorePermit,
}

impl Waiters {
    /// Starts the task that looks after those who wait. It ends with the service, and answers all of them then.
    pub(super) fn start(api: &Api<Request>) -> Self {
        let (joining, joins) = mpsc::channel(SEATS);
        let watch = Watch { pool: api.pool.clone(), waiting: HashMap::new() };
        tokio::spawn(watch.run(joins, api.applied.subscribe(), api.stopping.clone()));
        Self { seats: Arc::new(Semaphore::new(SEATS)), joining }
    }

    /// A seat, if one is free.
    pub(super) fn seat(&self, wait: Duration) -> Option<Seat> {
        let permit = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        Some(Seat { wait, joining: self.joining.clone(), permit })
    }
}

impl Seat {
    /// The answer to a placed order, once there is an outcome, or time is up. Anything else is answered at once.
    pub(super) fn answer(self, placed: Answer) -> Response {
        let Some(order_id) = created(&placed) else { return placed.into_response() };
        let (answered, outcome) = oneshot::channel();
        if self.joining.try_send(Waiter { order_id, answered }).is_err() {
            return placed.into_response();
        }
        let mut response = StatusCode::CREATED.into_response();
        response.extensions_mut().insert(Later::new(self.outcome(placed, outcome)));
        response
    }

    async fn outcome(self, placed: Answer, outcome: oneshot::Receiver<Arc<Known>>) -> Response {
        let answer = match timeout(self.wait, outcome).await {
            Ok(Ok(known)) => Answer { body: Answer::json(placed.status, &OrderView::of(&known)).body, ..placed },
            // Time is up, or the service stops: the order still stands where it stood.
            Err(_) | Ok(Err(_)) => placed,
        };
        drop(self.permit);
        let mut response = answer.into_response();
        let applied = HeaderValue::try_from(format!("wait={}", self.wait.as_secs()));
        response.headers_mut().extend(applied.map(|value| (HeaderName::from_static("preference-applied"), value)));
        response
    }
}

fn created(answer: &Answer) -> Option<OrderId> {
    answer.location.as_deref()?.strip_prefix("/orders/")?.parse().ok()
}

struct Watch {
    pool: PgPool,
    waiting: HashMap<OrderId, Vec<oneshot::Sender<Arc<Known>>>>,
}

impl Watch {
    async fn run(
        mut self,
        mut joins: mpsc::Receiver<Waiter>,
        mut applied: broadcast::Receiver<Arc<[OrderId]>>,
        stopping: CancellationToken,
    ) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let seen = tokio::select! {
                () = stopping.cancelled() => return,
                Some(waiter) = joins.recv() => {
                    self.waiting.entry(waiter.order_id).or_default().push(waiter.answered);
                    continue;
                }
                heard = applied.recv() => match heard {
                    Ok(changed) => self.answer_among(&changed).await,
                    // What was missed is seen at the next look.
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = look.tick(), if !self.waiting.is_empty() => self.look().await,
            };
            if let Err(error) = seen {
                warn!(%error, "cannot see what became of orders that callers wait for: {error}");
            }
        }
    }

    async fn look(&mut self) -> sqlx::Result<()> {
        self.waiting.retain(|_, callers| {
            callers.retain(|caller| !caller.is_closed());
            !callers.is_empty()
        });
        let ids: Vec<OrderId> = self.waiting.keys().copied().collect();
        let answered = store::no_longer_waiting(&self.pool, &ids).await?;
        self.answer_among(&answered).await
    }

    async fn answer_among(&mut self, changed: &[OrderId]) -> sqlx::Result<()> {
        let ids: Vec<OrderId> = changed.iter().filter(|id| self.waiting.contains_key(id)).copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        for known in store::known(&self.pool, &ids).await? {
            if known.order.status == Status::Completed {
                continue;
            }
            let known = Arc::new(known);
            for caller in self.waiting.remove(&known.order.id).unwrap_or_default() {
                // A caller that has gone needs no answer.
                drop(caller.send(Arc::clone(&known)));
            }
        }
        Ok(())
    }
}
