//! Asks both services, as often as it takes, and writes everything down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::journal::{Journal, Line, Outcome, What};
use crate::fault::Side;

/// A request that is not answered by then is not going to be.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// How long somebody goes on asking for the same thing.
const PATIENCE: Duration = Duration::from_secs(60);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// What the load feels of the faults, for whoever commits them.
#[derive(Debug, Default)]
pub struct Pulse {
    pub in_flight: [AtomicI64; 2],
    /// Requests without an answer, or with one that says "not now".
    pub passing_failures: AtomicU64,
    pub requests: AtomicU64,
    pub accepted: AtomicU64,
    over: watch::Sender<bool>,
}

impl Pulse {
    /// From now on nothing new is begun, and nobody waits any longer.
    pub fn ends(&self) {
        self.over.send_replace(true);
    }

    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Lets so many milliseconds pass, or what is left of them until it is over.
    pub async fn passes(&self, ms: u64) {
        let mut over = self.over.subscribe();
        tokio::select! {
            () = sleep(Duration::from_millis(ms)) => {}
            _ = over.wait_for(|over| *over) => {}
        }
    }
}

/// Anybody who asks for something.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    addresses: [Vec<String>; 2],
    journal: Arc<Journal>,
    pub pulse: Arc<Pulse>,
}

/// Something that is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub side: Side,
    pub what: What,
    pub customer: String,
    /// The order or the delivery that it is about, once there is one.
    pub subject: Option<Uuid>,
    pub body: Value,
}

/// An answer that decides something.
#[derive(Clone, Debug)]
pub struct Answer {
    pub outcome: Outcome,
    pub body: Value,
}

impl Client {
    pub fn new(addresses: [Vec<String>; 2], journal: Arc<Journal>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        Ok(Self { http, addresses, journal, pulse: Arc::default() })
    }

    /// Asks until there is an answer that decides it, each time another instance. `None` if it stays open.
    pub async fn ask(&self, request: &Request) -> Result<Option<Answer>> {
        let give_up_at = Instant::now() + PATIENCE;
        for attempt in 1.. {
            let answer = self.ask_once(request, attempt).await?;
            if answer.outcome != Outcome::Unknown {
                return Ok(Some(answer));
            }
            if Instant::now() > give_up_at {
                break;
            }
            sleep(ASK_AGAIN_AFTER).await;
        }
        Ok(None)
    }

    /// Asks, and leaves it at that.
    pub async fn ask_once(&self, request: &Request, attempt: u32) -> Result<Answer> {
        let key = format!("{}-{}", request.customer, request.what.path());
        self.journal.write(&Line::Intent {
            at_ms: self.journal.now_ms(),
            key: key.clone(),
            customer: request.customer.clone(),
            what: request.what,
            attempt,
            subject: request.subject,
            body: request.body.clone(),
        })?;
        let (status, body) = self.send(request, &key, attempt).await;
        let outcome = match status {
            Some(200..300) => Outcome::Ok,
            Some(400..500) => Outcome::Refused,
            Some(_) | None => Outcome::Unknown,
        };
        let is_placed = outcome == Outcome::Ok && request.what == What::Place;
        let order_id = body["id"].as_str().filter(|_| is_placed).and_then(|id| id.parse().ok());
        self.journal.write(&Line::Outcome {
            at_ms: self.journal.now_ms(),
            key,
            attempt,
            outcome,
            status,
            code: body["code"].as_str().map(str::to_owned),
            order_id,
            total_minor: body["total"]["amount_minor"].as_i64().filter(|_| is_placed),
        })?;
        self.pulse.accepted.fetch_add(u64::from(is_placed), Ordering::Relaxed);
        self.pulse.passing_failures.fetch_add(u64::from(outcome == Outcome::Unknown), Ordering::Relaxed);
        Ok(Answer { outcome, body })
    }

    async fn send(&self, request: &Request, key: &str, attempt: u32) -> (Option<u16>, Value) {
        let path = match (request.what, request.side, request.subject) {
            (What::Place, _, _) | (_, _, None) => "orders".to_owned(),
            (what, Side::Orders, Some(order)) => format!("orders/{order}/{}", what.path()),
            (what, Side::Deliveries, Some(delivery)) => format!("deliveries/{delivery}/{}", what.path()),
        };
        // Not all that one customer asks goes to one instance.
        let at = attempt + request.what as u32;
        let url = format!("{}/{path}", self.instance(request.side, &request.customer, at));
        let in_flight = &self.pulse.in_flight[request.side.index()];
        in_flight.fetch_add(1, Ordering::Relaxed);
        self.pulse.requests.fetch_add(1, Ordering::Relaxed);
        let asked = self.http.post(url).header("idempotency-key", key).json(&request.body).send().await;
        let answer = match asked {
            Ok(response) => {
                let status = response.status().as_u16();
                match response.json().await {
                    Ok(body) => (Some(status), body),
                    // The head came and the body did not: nobody knows what it would have said.
                    Err(_broken_off) => (None, Value::Null),
                }
            }
            Err(_no_answer) => (None, Value::Null),
        };
        in_flight.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    /// The delivery of an order, once there is one.
    pub async fn delivery_of(&self, customer: &str, order: Uuid, attempt: u32) -> Option<(Uuid, String)> {
        let base = self.instance(Side::Deliveries, customer, attempt);
        let asked = self.http.get(format!("{base}/deliveries?order_id={order}")).send().await;
        let page: Value = asked.ok()?.json().await.ok()?;
        let delivery = page["items"].get(0)?;
        Some((delivery["id"].as_str()?.parse().ok()?, delivery["status"].as_str()?.to_owned()))
    }

    fn instance(&self, side: Side, customer: &str, attempt: u32) -> &str {
        let all = &self.addresses[side.index()];
        &all[(customer.len() + customer.bytes().last().map_or(0, usize::from) + attempt as usize) % all.len()]
    }
}
