//! Customers and staff, who know nothing of what is broken.

mod client;
pub mod journal;
mod orders;
mod shop;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use self::client::{Answer, Request};
pub use self::client::{Client, Pulse};
use self::journal::{Outcome, What};
use self::orders::{Customer, Story};
use crate::fault::Side;

/// How many customers there are at once: when so many wait, others do not even come in.
const AT_ONCE: usize = 800;
/// How long the staff wait for a delivery to be planned.
const PLANNED_WITHIN: Duration = Duration::from_secs(45);
const LOOK_AGAIN_AFTER_MS: u64 = 400;

pub use self::shop::fill;

/// Lets customers come, so many a second, until the pulse says that it is over and at least so many have an order. Answers how many came,
/// when the last one has gone.
pub async fn run(client: Client, seed: u64, per_second: u64, at_least: u64) -> Result<u64> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut arrivals = interval(Duration::from_micros(1_000_000 / per_second));
    arrivals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut number, mut customers) = (0, JoinSet::new());
    // A pair that takes none any more is not asked for ever.
    let too_few = |came| client.pulse.accepted.load(Ordering::Relaxed) < at_least && came < 2 * at_least;
    while too_few(number) || !client.pulse.is_over() {
        arrivals.tick().await;
        for customer in Customer::coming(seed, number) {
            let place = room.clone().acquire_owned().await.context("the semaphore is never closed")?;
            let visit = Visit { client: client.clone(), customer };
            customers.spawn(async move {
                let visited = visit.run().await;
                drop(place);
                visited
            });
        }
        number += 1;
        while let Some(gone) = customers.try_join_next() {
            gone.context("a customer broke down")??;
        }
    }
    while let Some(gone) = customers.join_next().await {
        gone.context("a customer broke down")??;
    }
    Ok(number)
}

/// One customer, from the door to the door.
struct Visit {
    client: Client,
    customer: Customer,
}

impl Visit {
    async fn run(self) -> Result<()> {
        let place = self.request(Side::Orders, What::Place, None, self.customer.order.clone());
        if self.customer.story == Story::GivesUp {
            return self.client.ask_once(&place, 1).await.map(drop);
        }
        let Some(order) = self.client.ask(&place).await?.as_ref().and_then(id) else { return Ok(()) };
        match self.customer.story {
            Story::Waits | Story::GivesUp => Ok(()),
            Story::CancelsAtOnce => self.cancel(order).await,
            Story::CancelsLater(ms) => {
                self.client.pulse.passes(ms).await;
                self.cancel(order).await
            }
            Story::Delivered
            | Story::DeliveredLater
            | Story::Assigned
            | Story::Lost
            | Story::ComesBack
            | Story::NoCourier
            | Story::Races => self.staffed(order).await,
        }
    }

    async fn cancel(&self, order: Uuid) -> Result<()> {
        let request = self.request(Side::Orders, What::Cancellation, Some(order), json!({}));
        self.client.ask(&request).await.map(drop)
    }

    async fn staffed(&self, order: Uuid) -> Result<()> {
        let Some(delivery) = self.planned(order).await else { return Ok(()) };
        if self.customer.story == Story::NoCourier {
            return self.does(What::Failure, delivery, json!({ "reason": "no_courier" })).await.map(drop);
        }
        let courier = json!({ "courier_id": self.customer.courier });
        if !self.does(What::Courier, delivery, courier).await? || self.customer.story == Story::Assigned {
            return Ok(());
        }
        let dispatch = self.does(What::Dispatch, delivery, json!({}));
        let dispatched = if self.customer.story == Story::Races {
            let (cancelled, dispatched) = tokio::join!(self.cancel(order), dispatch);
            cancelled.and(dispatched)?
        } else {
            dispatch.await?
        };
        if !dispatched {
            return Ok(());
        }
        if self.customer.story == Story::DeliveredLater {
            // Where no later day has room this is refused, and the courier finds somebody after all.
            self.does(What::Attempt, delivery, json!({ "number": 1 })).await?;
        }
        self.ends(delivery).await
    }

    async fn ends(&self, delivery: Uuid) -> Result<()> {
        let (what, body) = match self.customer.story {
            Story::Lost => (What::Failure, json!({ "reason": "lost" })),
            Story::ComesBack => (What::Failure, json!({ "reason": "refused_by_recipient" })),
            Story::Delivered
            | Story::DeliveredLater
            | Story::Races
            | Story::Assigned
            | Story::Waits
            | Story::CancelsAtOnce
            | Story::CancelsLater(_)
            | Story::NoCourier
            | Story::GivesUp => (What::Completion, json!({ "received_by": "Ada" })),
        };
        self.does(what, delivery, body).await.map(drop)
    }

    /// The delivery of an order, if it comes to be planned in time and before everything is over.
    async fn planned(&self, order: Uuid) -> Option<Uuid> {
        let give_up_at = Instant::now() + PLANNED_WITHIN;
        for attempt in 1.. {
            match self.client.delivery_of(&self.customer.name, order, attempt).await {
                Some((delivery, status)) if status == "scheduled" => return Some(delivery),
                Some((_, _ended)) => return None,
                None => {}
            }
            if Instant::now() > give_up_at || self.client.pulse.is_over() {
                return None;
            }
            self.client.pulse.passes(LOOK_AGAIN_AFTER_MS).await;
        }
        None
    }

    async fn does(&self, what: What, delivery: Uuid, body: Value) -> Result<bool> {
        let answer = self.client.ask(&self.request(Side::Deliveries, what, Some(delivery), body)).await?;
        Ok(answer.is_some_and(|answer| answer.outcome == Outcome::Ok))
    }

    fn request(&self, side: Side, what: What, subject: Option<Uuid>, body: Value) -> Request {
        Request { side, what, customer: self.customer.name.clone(), subject, body }
    }
}

fn id(answer: &Answer) -> Option<Uuid> {
    answer.body["id"].as_str().and_then(|id| id.parse().ok())
}
