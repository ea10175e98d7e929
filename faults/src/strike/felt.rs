//! What a fault met while it lasted: looked at ten times a second, beside it.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use crate::load::Pulse;

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// A database that is away must not keep us from looking at the rest.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Of a fault, from its strike until it was healed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Felt {
    /// At most, at one moment.
    pub requests_in_flight: i64,
    /// Orders without an outcome and events that were not sent: at most, at one moment.
    pub under_way: i64,
    pub requests_begun: u64,
    /// Requests that went unanswered or were put off.
    pub passing_failures: u64,
}

/// An eye on the pair and on who asks it.
pub struct Watch<'a> {
    pools: [PgPool; 2],
    pulse: &'a Pulse,
    requests: u64,
    failures: u64,
    felt: Felt,
}

impl<'a> Watch<'a> {
    pub fn begun(pools: [PgPool; 2], pulse: &'a Pulse) -> Self {
        let (requests, failures) =
            (pulse.requests.load(Ordering::Relaxed), pulse.passing_failures.load(Ordering::Relaxed));
        Self { pools, pulse, requests, failures, felt: Felt::default() }
    }

    /// Looks again and again. It can be dropped at any moment, and what was seen is kept.
    pub async fn goes_on(&mut self) -> Infallible {
        loop {
            let in_flight = self.pulse.in_flight.iter().map(|side| side.load(Ordering::Relaxed)).sum();
            self.felt.requests_in_flight = self.felt.requests_in_flight.max(in_flight);
            // No answer is one too: the database is what has been struck, perhaps.
            if let Ok(Ok(under_way)) = timeout(ANSWER_WITHIN, under_way(&self.pools)).await {
                self.felt.under_way = self.felt.under_way.max(under_way);
            }
            sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    pub fn felt(self) -> Felt {
        Felt {
            requests_begun: self.pulse.requests.load(Ordering::Relaxed) - self.requests,
            passing_failures: self.pulse.passing_failures.load(Ordering::Relaxed) - self.failures,
            ..self.felt
        }
    }
}

async fn under_way([orders, deliveries]: &[PgPool; 2]) -> sqlx::Result<i64> {
    let undecided = "select (select count(*) from orders where status in ('completed', 'cancelling'))
                          + (select count(*) from outbox)";
    let here: i64 = sqlx::query_scalar(undecided).fetch_one(orders).await?;
    let there: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(deliveries).await?;
    Ok(here + there)
}
