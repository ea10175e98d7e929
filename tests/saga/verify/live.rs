//! While both services are at work.

use futures_util::{StreamExt, stream};
use sagactl::verify::Invariant;
use shared_events::Topic;
use tests::{Env, PATIENCE, eventually, order_of};
use tokio::sync::watch;

use super::{AT_ONCE, PATIENT, confirmed, open, open_on, verify};

const ORDERS: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_while_orders_are_placed_and_delivered() {
    let pair = open("topicslive").await;
    let shop = pair.shop();
    let placed = watch::Sender::new(0);
    let placing = stream::iter(0..ORDERS).for_each_concurrent(20, async |number| {
        let order = confirmed(&shop).await;
        if number % 5 == 0 {
            shop.cancel(&order.to_string()).await.expect("an answer");
        }
        placed.send_modify(|placed| *placed += 1);
    });
    let looking = async {
        let mut looks = 0;
        while *placed.borrow() < ORDERS {
            let report = verify(&pair.env, PATIENT).await;
            assert!(report.holds(), "{report}");
            looks += 1;
        }
        looks
    };
    let ((), looks) = tokio::join!(placing, looking);
    assert!(looks > 0);
    pair.settles().await;
    let report = verify(&pair.env, AT_ONCE).await;
    assert!(report.holds(), "{report}");
    let read = report.topics.clone().expect("the topics were read");
    assert_eq!(read.orders, ORDERS as u64, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_looked_at_again_and_only_the_new_end_of_the_topics_is_read() {
    // One partition: what comes lies behind what was there.
    let env = Env::new("topicsflight").await;
    env.create_topics(1).await;
    let mut pair = open_on(env).await;
    for _ in 0..2 {
        confirmed(&pair.shop()).await;
    }
    pair.deliveries.terminate(PATIENCE).await.expect("delivery-service stops");
    let shop = pair.shop();
    for _ in 0..3 {
        let placed = shop.place(&order_of(&[("A", 1)], "10115")).await.expect("an answer");
        assert_eq!(placed.status, 201, "{placed:?}");
    }
    let (orders, _) = pair.pools();
    eventually("the orders have gone out", PATIENCE, async || {
        let unsent: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&orders).await?;
        anyhow::ensure!(unsent == 0, "{unsent} are to be sent");
        anyhow::Ok(())
    })
    .await;
    let impatient = verify(&pair.env, AT_ONCE).await;
    assert_eq!(impatient.violations.get(&Invariant::I11), Some(&3), "{impatient}");

    let (env, deliveries) = (&pair.env, &mut pair.deliveries);
    let comes_back = async { deliveries.restart().await.expect("delivery-service starts") };
    let (report, ()) = tokio::join!(verify(env, PATIENT), comes_back);
    assert!(report.holds(), "{report}");
    let read = report.topics.clone().expect("the topics were read");
    assert_eq!(read.records - read.repeats, 2 + 3 + 2 + 3, "{report}");
    let there = env.read(Topic::Orders).await.len() + env.read(Topic::Deliveries).await.len();
    assert!(read.records <= there as u64, "{there} are there: {report}");
}
