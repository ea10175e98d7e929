//! `sagactl verify --topics`: what both topics show, alone and with both databases.

mod breaks;
mod find;
mod forgotten;
mod live;
mod readers;

use std::time::Duration;

use indicatif::ProgressBar;
use sagactl::verify::{Options, Report, check_with_topics};
use shared_events::OrderId;
use tests::{Env, PATIENCE, Pair, Shop, order_of};

/// Nothing moves, so there is nothing to wait for.
const AT_ONCE: Options = Options { most: 100, patience: Duration::from_millis(1) };
/// Whatever is in flight arrives within this.
pub(crate) const PATIENT: Options = Options { most: 100, patience: PATIENCE };

/// A pair with something to sell and room in its vans.
async fn open(name: &str) -> Pair {
    open_on(Env::new(name).await).await
}

async fn open_on(env: Env) -> Pair {
    let pair = Pair::start(env).await;
    let shop = pair.shop();
    shop.sells("A", 100_000).await.expect("articles");
    shop.serves("berlin", "10", 100_000).await.expect("a zone");
    pair
}

/// An order, once it is confirmed.
async fn confirmed(shop: &Shop) -> OrderId {
    let placed = shop.place_and_wait(30, &order_of(&[("A", 1)], "10115")).await.expect("an answer");
    assert_eq!(placed.text("/status"), "confirmed", "{placed:?}");
    placed.text("/id").parse().expect("an id")
}

pub(crate) async fn verify(env: &Env, options: Options) -> Report {
    let (orders, deliveries) = (env.pool(env.orders_database()), env.pool(env.deliveries_database()));
    let topics = env.kafka("verify");
    let report = check_with_topics(&orders, &deliveries, &topics, &ProgressBar::hidden(), options).await;
    // It is looked often, beside other tests on the same server.
    orders.close().await;
    deliveries.close().await;
    report.expect("databases and topics can be looked at")
}

/// Whatever is broken from now on is not repaired by anybody.
async fn stop(pair: Pair) -> Env {
    let Pair { mut orders, mut deliveries, env } = pair;
    orders.terminate(PATIENCE).await.expect("order-service stops");
    deliveries.terminate(PATIENCE).await.expect("delivery-service stops");
    env
}
