//! Kafka is away.

use std::time::Duration;

use shared_events::Topic;
use tests::Env;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{ALONE, all_confirmed, lanes, open, order};

/// How long it is away.
const OUTAGE: Duration = Duration::from_secs(30);
/// How often somebody orders in that time.
const EVERY: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn thirty_seconds_without_kafka_cost_no_order_and_all_are_confirmed_afterwards() {
    let _alone = ALONE.lock().await;
    let pair = open(Env::apart("kafka away").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    all_confirmed_after(&shop, &orders, 20, 20).await;

    // To its clients a broker that stands still is a network that swallows everything.
    pair.env.broker().await.pause().expect("the broker stands still");
    let (began, mut placed) = (Instant::now(), 20);
    let mut steady = interval(EVERY);
    steady.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < OUTAGE {
        steady.tick().await;
        let reply = shop.place(&order()).await.expect("there is an answer");
        assert_eq!(reply.status, 201, "after {:?} without Kafka: {reply:?}", began.elapsed());
        placed += 1;
    }
    pair.env.broker().await.resume().expect("the broker goes on");
    assert!(placed > 200, "only {placed} orders were placed meanwhile");
    all_confirmed(&orders, placed).await;
    // A client may never send again to a partition that had no leader for a moment, so the relays have taken new ones.
    let replaced = shop.counter(&shop.orders, "relay_producers_replaced_total").await.expect("there are metrics");
    assert!(replaced >= 1.0, "the producer was kept through {OUTAGE:?} without an acknowledgement");

    // And once more, the hard way.
    pair.env.broker().await.kill().await.expect("the broker is killed");
    super::place(&shop, 100).await;
    pair.env.broker().await.restart().await.expect("the broker is back");
    all_confirmed_after(&shop, &orders, 20, placed + 120).await;
    pair.settles().await;
    lanes::repeats(&pair.env, Topic::Orders).await;
    lanes::repeats(&pair.env, Topic::Deliveries).await;
}

async fn all_confirmed_after(shop: &tests::Shop, orders: &sqlx::PgPool, count: usize, total: i64) {
    super::place(shop, count).await;
    all_confirmed(orders, total).await;
}
