//! Whether new orders are let in. What piles up (events that do not go out, orders that nobody decides) has a limit, and beyond
//! it an order is refused before its money is held: better no order than one that nobody looks after.
//!
//! One task measures twice a second; what comes between two looks may exceed a limit by as much as that.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use chassis::{
    Api,
    http::{Answer, Problem},
    messaging,
};
use http::StatusCode;
use serde::Serialize;
use sqlx::PgPool;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Shop;
use crate::{requests::Request, store};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// When a client that was refused should ask again, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// How much may pile up before orders are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// How long the oldest event may have waited to go out, in seconds.
    pub outbox_age_s: i64,
    /// How many orders may wait for the delivery side's word, be it about a delivery or about a cancellation.
    pub undecided_orders: i64,
}

/// Whether orders are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Door {
    /// They are.
    Accepting,
    /// They are, but something piles up, or nobody could look.
    Degraded,
    /// They are not.
    Closed,
}

impl Door {
    /// What this load makes of the door. From half of its limit on something is in trouble, and only below that a closed door
    /// opens again: one that opened at the limit itself would be closed by the next order.
    fn under(self, load: i64, limit: i64) -> Self {
        let in_trouble = load.saturating_mul(2) > limit;
        if load > limit || (in_trouble && self == Door::Closed) {
            Door::Closed
        } else if in_trouble {
            Door::Degraded
        } else {
            Door::Accepting
        }
    }
}

/// Why the door is not simply open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reason {
    code: &'static str,
    state: Door,
    detail: String,
}

/// What `/status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Status {
    state: Door,
    reasons: Vec<Reason>,
    outbox_age_s: Option<i64>,
    undecided_orders: Option<i64>,
}

/// Tells whether orders are let in, as of the last look.
#[derive(Clone)]
pub(super) struct Admission(watch::Receiver<Status>);

impl Admission {
    /// Starts the task that looks. It ends with the service.
    pub(super) fn start(api: &Api<Request>, limits: AdmissionLimits) -> Self {
        let unknown = Status { state: Door::Accepting, reasons: vec![], outbox_age_s: None, undecided_orders: None };
        let (told, seen) = watch::channel(unknown);
        info!("orders are taken within {limits:?}");
        let doorkeeper = Doorkeeper { limits, outbox: Door::Accepting, undecided: Door::Accepting };
        tokio::spawn(doorkeeper.run(api.pool.clone(), told, api.stopping.clone()));
        Self(seen)
    }

    /// Lets an order in.
    ///
    /// # Errors
    /// 503 with the reasons while the door is closed; nothing has been touched then.
    pub(super) fn admit(&self) -> Result<(), Problem> {
        let seen = self.0.borrow();
        if seen.state < Door::Closed {
            return Ok(());
        }
        let closed: Vec<&Reason> = seen.reasons.iter().filter(|reason| reason.state == Door::Closed).collect();
        for reason in &closed {
            metrics::counter!("orders_not_admitted_total", "reason" => reason.code).increment(1);
        }
        let details: Vec<&str> = closed.iter().map(|reason| reason.detail.as_str()).collect();
        let detail = format!("No orders are taken for the moment: {}. Nothing was changed.", details.join("; "));
        Err(Problem::unavailable("not_admitted", detail).with("reasons", closed).retry_after(RETRY_AFTER_S))
    }
}

/// `GET /status`
pub(super) async fn status(State(shop): State<Arc<Shop>>) -> Answer {
    Answer::json(StatusCode::OK, &*shop.admission.0.borrow())
}

/// Looks, and remembers what it has closed.
struct Doorkeeper {
    limits: AdmissionLimits,
    outbox: Door,
    undecided: Door,
}

impl Doorkeeper {
    async fn run(mut self, pool: PgPool, told: watch::Sender<Status>, stopping: CancellationToken) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = look.tick() => {}
            }
            // A connection that has gone silent would be waited for without end.
            let status = match timeout(ANSWERED_WITHIN, self.measure(&pool)).await {
                Ok(Ok((outbox_age_s, undecided_orders))) => self.judge(outbox_age_s, undecided_orders),
                Ok(Err(error)) => {
                    warn!(%error, "cannot see what piles up: {error}");
                    unseen(&told.borrow())
                }
                Err(_) => {
                    warn!("cannot see what piles up: no answer within {ANSWERED_WITHIN:?}");
                    unseen(&told.borrow())
                }
            };
            let was = told.borrow().state;
            if status.state != was {
                warn!(was = ?was, now = ?status.state, reasons = ?status.reasons, "orders: the door is {:?} now", status.state);
            }
            metrics::gauge!("admission_closed").set(f64::from(u8::from(status.state == Door::Closed)));
            told.send_replace(status);
        }
    }

    async fn measure(&self, pool: &PgPool) -> sqlx::Result<(i64, i64)> {
        let outbox_age_s = messaging::outbox_age(pool).await?.map_or(0, |age| age.num_seconds());
        // Counted no further than it matters: beyond the limit the number itself says nothing new.
        let undecided = store::count_undecided(pool, self.limits.undecided_orders.saturating_add(1)).await?;
        Ok((outbox_age_s, undecided))
    }

    fn judge(&mut self, outbox_age_s: i64, undecided_orders: i64) -> Status {
        let AdmissionLimits { outbox_age_s: longest, undecided_orders: most } = self.limits;
        self.outbox = self.outbox.under(outbox_age_s, longest);
        self.undecided = self.undecided.under(undecided_orders, most);
        let reasons = [
            (
                self.outbox,
                "outbox_age",
                format!("the oldest event has waited {outbox_age_s} s to go out, the limit is {longest} s"),
            ),
            (
                self.undecided,
                "undecided_orders",
                format!("{undecided_orders} orders or more wait for the delivery side, the limit is {most}"),
            ),
        ];
        let reasons = reasons.into_iter().filter(|(door, ..)| *door > Door::Accepting);
        Status {
            state: self.outbox.max(self.undecided),
            reasons: reasons.map(|(state, code, detail)| Reason { code, state, detail }).collect(),
            outbox_age_s: Some(outbox_age_s),
            undecided_orders: Some(undecided_orders),
        }
    }
}

/// What was seen last still counts, but cannot be relied on.
fn unseen(last: &Status) -> Status {
    let detail = "the database does not say what piles up".to_owned();
    let blind = Reason { code: "database_unavailable", state: Door::Degraded, detail };
    let known = last.reasons.iter().filter(|reason| reason.code != blind.code).cloned();
    Status {
        state: last.state.max(Door::Degraded),
        reasons: known.chain([blind.clone()]).collect(),
        outbox_age_s: None,
        undecided_orders: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doorkeeper() -> Doorkeeper {
        let limits = AdmissionLimits { outbox_age_s: 10, undecided_orders: 100 };
        Doorkeeper { limits, outbox: Door::Accepting, undecided: Door::Accepting }
    }

    #[test]
    fn the_door_closes_beyond_a_limit_and_opens_again_only_well_below_it() {
        let mut doorkeeper = doorkeeper();
        let doors = [0, 5, 6, 10, 11, 10, 6, 5, 6].map(|age| doorkeeper.judge(age, 0).state);
        let (open, trouble, closed) = (Door::Accepting, Door::Degraded, Door::Closed);
        assert_eq!(doors, [open, open, trouble, trouble, closed, closed, closed, open, trouble]);
    }

    #[test]
    fn each_load_is_judged_by_its_own_limit_and_named() {
        let mut doorkeeper = doorkeeper();
        let status = doorkeeper.judge(6, 101);
        let reasons: Vec<_> = status.reasons.iter().map(|reason| (reason.code, reason.state)).collect();
        assert_eq!(status.state, Door::Closed);
        assert_eq!(reasons, [("outbox_age", Door::Degraded), ("undecided_orders", Door::Closed)]);
        assert_eq!(doorkeeper.judge(0, 60).reasons.len(), 1, "one that is well is not named");
        assert_eq!(doorkeeper.judge(0, 50).state, Door::Accepting);
    }

    #[test]
    fn who_cannot_see_leaves_the_door_as_it_was_and_says_so_once() {
        let mut doorkeeper = doorkeeper();
        let open = unseen(&doorkeeper.judge(0, 0));
        assert_eq!((open.state, open.reasons.len()), (Door::Degraded, 1));
        let closed = unseen(&unseen(&doorkeeper.judge(11, 0)));
        assert_eq!((closed.state, closed.reasons.len()), (Door::Closed, 2));
    }
}
