//! `kill -9` of each service in turn, again and again, while orders are on their way.

use std::time::Duration;

use anyhow::ensure;
use futures_util::{StreamExt, stream};
use shared_events::Topic;
use tests::{Env, PATIENCE, Pair, Shop, eventually};
use tokio::sync::watch;

use super::{all_confirmed, insistence::Seen, lanes, open, with_status};

const ORDERS: i64 = 2_000;
/// Five of each service.
const KILLS: i64 = 10;
/// How many orders are on their way when a service is killed, at most: fewer than lie between two kills.
const UNDER_WAY: i64 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(10);
const DUPLICATES: &str = "inbox_events_total{outcome=\"duplicate\"}";

#[tokio::test(flavor = "multi_thread")]
async fn each_service_killed_five_times_among_2000_orders_loses_none_and_repeats_change_nothing() {
    let mut pair = open(Env::new("kills").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    let seen = Seen::default();
    // How many are confirmed, and how many may be placed so far: nobody runs ahead of the kills.
    let (confirmed, allowed) = (watch::Sender::new(0), watch::Sender::new(0));

    let watching = async {
        while *confirmed.borrow() < ORDERS {
            confirmed.send_replace(with_status(&orders, "confirmed").await.expect("a number"));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let placing = stream::iter(0..ORDERS).for_each_concurrent(40, async |number| {
        allowed.subscribe().wait_for(|allowed| number < *allowed).await.expect("somebody allows it");
        seen.insist(&shop, &format!("order-{number}")).await;
    });
    let killing = kill_in_turn(&mut pair, &shop, confirmed.subscribe(), &allowed);
    let ((), (), redelivered) = tokio::join!(watching, placing, killing);

    assert_eq!(seen.ids().len(), 2_000);
    all_confirmed(&orders, ORDERS).await;
    pair.settles().await;
    assert!(seen.setbacks().1 > 0, "no customer noticed anything");
    let now = duplicates(&shop, &pair.orders.url()).await + duplicates(&shop, &pair.deliveries.url()).await;
    let repeats = lanes::repeats(&pair.env, Topic::Orders).await + lanes::repeats(&pair.env, Topic::Deliveries).await;
    assert!(redelivered + now > 0.0, "no event came twice; {repeats} records are repeats");
    println!(
        "{} events came twice, {repeats} of them because they were sent twice; setbacks: {:?}",
        redelivered + now,
        seen.setbacks()
    );
}

/// Ten kills, spread evenly while between 20 and 80 % of the orders are confirmed. Answers with the redeliveries that the killed
/// instances had counted: their successors begin at 0.
async fn kill_in_turn(
    pair: &mut Pair,
    shop: &Shop,
    mut confirmed: watch::Receiver<i64>,
    allowed: &watch::Sender<i64>,
) -> f64 {
    let mut redelivered = 0.0;
    for kill in 0..KILLS {
        let service = if kill % 2 == 0 { &mut pair.orders } else { &mut pair.deliveries };
        // Its predecessor's redeliveries come once it is back in its group.
        service.wait_ready(PATIENCE).await.expect("it is ready");
        let threshold = ORDERS / 5 + kill * (ORDERS * 3 / 5) / KILLS;
        allowed.send_replace(threshold + UNDER_WAY);
        confirmed.wait_for(|confirmed| *confirmed >= threshold).await.expect("it is watched");
        redelivered += duplicates(shop, &service.url()).await;
        let reached = *confirmed.borrow();
        assert!((ORDERS / 5..=ORDERS * 4 / 5).contains(&reached), "kill {kill} after {reached} are confirmed");
        service.restart().await.expect("it is killed and started again");
    }
    allowed.send_replace(ORDERS);
    for service in [&mut pair.orders, &mut pair.deliveries] {
        service.wait_ready(PATIENCE).await.expect("it is ready");
    }
    redelivered
}

async fn duplicates(shop: &Shop, instance: &str) -> f64 {
    eventually("the instance shows its metrics", PATIENCE, async || {
        let count = shop.counter(instance, DUPLICATES).await?;
        ensure!(count.is_finite());
        Ok(count)
    })
    .await
}
