//! Tells a story: shows what is asked and what comes back, and insists on what should come of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use devstack::wait_until;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::say::Page;
use crate::shop::{Answer, Items, Order, Product, Shop, Side, Transition, Wish};

/// How long a service is asked to wait for an outcome (`Prefer: wait`), in seconds.
const WAIT_S: u32 = 15;
/// How long an outcome may take at most.
const OUTCOME_WITHIN: Duration = Duration::from_secs(30);

/// What fits into a line of a terminal that is not too narrow.
const LINE_CHARS: usize = 100;

/// Who tells.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    pub shop: &'a Shop,
    pub page: Page,
}

/// What has to have become of an order.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub status: &'static str,
    pub payment: &'static str,
    pub stock: &'static str,
}

impl Teller<'_> {
    /// Places an order and waits for the delivery side's word in the same request.
    pub async fn place_and_wait(&self, wish: &Wish<'_>) -> Result<Order> {
        self.place(wish, Some(WAIT_S)).await
    }

    /// Places an order, and is answered before the delivery side knows of it.
    pub async fn place_only(&self, wish: &Wish<'_>) -> Result<Order> {
        self.place(wish, None).await
    }

    async fn place(&self, wish: &Wish<'_>, wait: Option<u32>) -> Result<Order> {
        let prefer = wait.map_or(String::new(), |seconds| format!("  Prefer: wait={seconds}"));
        let day = wish.day.map_or(String::new(), |day| format!(" on {day}"));
        let Wish { quantity, sku, city, postal_code, .. } = wish;
        self.asked("POST", "/orders", &format!("{quantity} × {sku} to {postal_code} {city}{day}{prefer}"))?;
        let answer = self.shop.ask(Side::Orders, Method::POST, "/orders", Some(&wish.body()), wait).await?;
        ensure!(answer.status == 201, "The order was not accepted: {} {}.", answer.status, answer.body);
        let order: Order = answer.read()?;
        self.page.line(format!("    201  order {}", order.id))?;
        self.tell("   ", &order)?;
        Ok(order)
    }

    /// Asks for something, shows it with the answer, and insists on the answer's status.
    pub async fn command(&self, side: Side, path: &str, body: Value, status: u16) -> Result<Answer> {
        let shown = if body == json!({}) { String::new() } else { body.to_string() };
        self.asked("POST", path, &shown)?;
        let answer = self.shop.ask(side, Method::POST, path, Some(&body), None).await?;
        let said = answer.body["detail"].as_str().map(str::to_owned);
        let said = said.or_else(|| answer.body["status"].as_str().map(|status| format!("now {status}")));
        self.page.line(format!("    {}  {}", answer.status, said.unwrap_or_default()))?;
        let got = answer.status;
        ensure!(got == status, "POST {path} should be answered {status}, but was answered {got}: {}.", answer.body);
        Ok(answer)
    }

    /// Looks at an order until it has this status, and shows the way it went.
    pub async fn until(&self, id: Uuid, status: &str) -> Result<Order> {
        self.asked("GET", &format!("/orders/{id}"), &format!("until it is {status}"))?;
        let arrived = wait_until(OUTCOME_WITHIN, async || {
            let order = self.shop.order(id).await?;
            Ok((order.status == status).then_some(order))
        });
        let Some(order) = arrived.await? else {
            let order = self.shop.order(id).await?;
            anyhow::bail!("The order {id} should be {status}, but is {} after {OUTCOME_WITHIN:?}.", order.status);
        };
        self.tell("200", &order)?;
        Ok(order)
    }

    /// Looks at a product's stock and shows it.
    pub async fn stock(&self, sku: &str) -> Result<Product> {
        let product = self.shop.product(sku).await?;
        let Product { on_hand, reserved, available, shipped, written_off, .. } = product;
        self.asked("GET", "/products", &format!("{sku}:"))?;
        let places = format!("{on_hand} on hand, of which {reserved} reserved and {available} available");
        self.page.line(format!("    200  {places}; {shipped} shipped, {written_off} written off"))?;
        Ok(product)
    }

    /// What the delivery side has for an order: its id and status.
    pub async fn delivery_of(&self, order: &Order) -> Result<(Uuid, String)> {
        let path = format!("/deliveries?order_id={}", order.id);
        self.asked("GET", &path, "")?;
        let deliveries: Items<Value> = self.shop.ask(Side::Deliveries, Method::GET, &path, None, None).await?.read()?;
        let [delivery] = deliveries.items.as_slice() else {
            anyhow::bail!(
                "There should be one delivery for order {}, but there are {}.",
                order.id,
                deliveries.items.len()
            );
        };
        let status = delivery["status"].as_str().context("a delivery without a status")?.to_owned();
        let id = delivery["id"].as_str().context("a delivery without an id")?.parse()?;
        self.page.line(format!("    200  delivery {id}: {status}"))?;
        Ok((id, status))
    }

    fn asked(&self, method: &str, path: &str, what: &str) -> Result<()> {
        let line = format!("  {method} {path}  {what}");
        if line.chars().count() <= LINE_CHARS {
            return self.page.line(line.trim_end());
        }
        self.page.line(format!("  {method} {path}"))?;
        self.page.line(format!("    {what}"))
    }

    fn tell(&self, answered: &str, order: &Order) -> Result<()> {
        let Order { status, payment, stock, .. } = order;
        let slot = order.delivery.as_ref().and_then(|delivery| delivery.slot.as_ref());
        let slot = slot.map_or(String::new(), |slot| format!(", slot {} of {}", slot.date, slot.zone));
        let reason = order.cancellation.as_ref().map_or(String::new(), |cancellation| {
            let failure = cancellation.failure.as_ref().map_or(String::new(), |why| format!(" ({})", why.reason));
            format!(", because: {}{failure}", cancellation.reason)
        });
        self.page.line(format!("    {answered}  {status}: payment {payment}, stock {stock}{slot}{reason}"))?;
        if order.transitions.len() > 1 {
            self.page.line(format!("         {}", way(&order.transitions)))?;
        }
        Ok(())
    }
}

/// `completed → confirmed 12 ms → …`: every status with the time since the one before.
fn way(transitions: &[Transition]) -> String {
    let steps = transitions.windows(2).map(|pair| {
        let took = pair[1].at - pair[0].at;
        format!(" → {} {} ms", pair[1].status, took.num_milliseconds())
    });
    let first = transitions.first().map_or("", |transition| transition.status.as_str());
    format!("{first}{}", steps.collect::<String>())
}

impl Expected {
    /// Insists on it.
    pub fn of(self, order: &Order) -> Result<()> {
        for (what, is, should) in [
            ("status", &order.status, self.status),
            ("payment", &order.payment, self.payment),
            ("stock", &order.stock, self.stock),
        ] {
            ensure!(is == should, "The {what} of order {} should be {should}, but is {is}.", order.id);
        }
        Ok(())
    }
}

/// Insists on why an order was cancelled by the delivery side.
pub fn expect_failure(order: &Order, reason: &str) -> Result<()> {
    let failure = order.cancellation.as_ref().and_then(|cancellation| cancellation.failure.as_ref());
    let is = failure.map_or("none", |failure| failure.reason.as_str());
    ensure!(is == reason, "Order {} should be cancelled because of {reason}, but the reason is {is}.", order.id);
    Ok(())
}

/// The day on which an order will be delivered.
pub fn day_of(order: &Order) -> Result<NaiveDate> {
    let slot = order.delivery.as_ref().and_then(|delivery| delivery.slot.as_ref());
    slot.map(|slot| slot.date).with_context(|| format!("Order {} should have a slot, but has none.", order.id))
}
