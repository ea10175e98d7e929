//! Many orders at once: clients that each keep a connection and place one order after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use reqwest::Method;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::seed::{HARBOUR_POSTAL_CODE, MUG};
use crate::say::{Page, bar};
use crate::shop::{Items, Order, Shop, Side, Wish};

const CLIENTS: u32 = 64;
/// How long nothing may be confirmed before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Places so many orders, and waits until all of them are confirmed.
pub async fn run(shop: Arc<Shop>, page: Page, orders: u32) -> Result<()> {
    // Another one each time: whoever was here before has orders of their own.
    let customer = format!("crowd-{}", Uuid::new_v4().simple());
    let clients = CLIENTS.min(orders);
    page.line(format!("  POST /orders  {orders} times, from {clients} clients"))?;
    let started = Instant::now();
    let bar = bar(orders.into(), "accepted");
    place_all(&shop, &customer, orders, clients, &bar).await?;
    let accepted_in = started.elapsed().as_secs_f64();
    bar.finish_and_clear();
    page.line(format!("    201  {orders} accepted in {accepted_in:.2} s"))?;
    page.line(format!("  GET /orders?customer_id={customer}  until all are confirmed"))?;
    let placed = confirmed(&shop, &customer, orders).await?;
    let all_in = started.elapsed().as_secs_f64();
    let took = confirmation_times_ms(&placed);
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    page.line(format!(
        "    200  {orders} confirmed, {all_in:.2} s after the first was sent; on this machine, just now:"
    ))?;
    page.line(format!(
        "         completed → confirmed {} ms in the middle, {} ms for 99 of 100, {} ms at most",
        at(50),
        at(99),
        at(100)
    ))
}

async fn place_all(shop: &Arc<Shop>, customer: &str, orders: u32, clients: u32, bar: &ProgressBar) -> Result<()> {
    let begun = Arc::new(AtomicU32::new(0));
    let mut at_work = JoinSet::new();
    for _ in 0..clients {
        let (shop, customer) = (Arc::clone(shop), customer.to_owned());
        let (begun, bar) = (Arc::clone(&begun), bar.clone());
        at_work.spawn(async move {
            while begun.fetch_add(1, Ordering::Relaxed) < orders {
                place(&shop, &customer).await?;
                bar.inc(1);
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = at_work.join_next().await {
        client.context("A client broke down")??;
    }
    Ok(())
}

async fn place(shop: &Shop, customer: &str) -> Result<()> {
    let wish = Wish { customer, quantity: 1, sku: MUG, city: "Hamburg", postal_code: HARBOUR_POSTAL_CODE, day: None };
    let answer = shop.ask(Side::Orders, Method::POST, "/orders", Some(&wish.body()), None).await?;
    ensure!(answer.status == 201, "One of the orders was not accepted: {} {}.", answer.status, answer.body);
    Ok(())
}

/// All of them, once they are confirmed.
async fn confirmed(shop: &Shop, customer: &str, orders: u32) -> Result<Vec<Order>> {
    let bar = bar(orders.into(), "confirmed");
    let mut last_progress = Instant::now();
    loop {
        let placed = all_placed(shop, customer).await?;
        let confirmed = placed.iter().filter(|order| order.status == "confirmed").count();
        if confirmed == placed.len() && confirmed == orders as usize {
            bar.finish_and_clear();
            return Ok(placed);
        }
        if confirmed as u64 > bar.position() {
            bar.set_position(confirmed as u64);
            last_progress = Instant::now();
        }
        let found = placed.len();
        ensure!(
            last_progress.elapsed() < PATIENCE,
            "Of {orders} orders {found} are there and only {confirmed} confirmed, none of them in the last {PATIENCE:?}."
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn all_placed(shop: &Shop, customer: &str) -> Result<Vec<Order>> {
    let mut placed = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/orders?customer_id={customer}&limit=100{cursor}");
        let page: Items<Order> = shop.ask(Side::Orders, Method::GET, &path, None, None).await?.read()?;
        placed.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(placed),
        }
    }
}

/// How long each waited for its confirmation, the shortest first.
fn confirmation_times_ms(placed: &[Order]) -> Vec<i64> {
    let took = |order: &Order| {
        let at = |status: &str| order.transitions.iter().find(|transition| transition.status == status).map(|t| t.at);
        Some((at("confirmed")? - at("completed")?).num_milliseconds())
    };
    let mut times: Vec<i64> = placed.iter().filter_map(took).collect();
    times.sort_unstable();
    times
}
