//! An orderly stop while customers are ordering.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http::StatusCode;
use tests::{Env, PATIENCE, Shop, eventually};

use super::{all_confirmed, open, order, with_status};

const CUSTOMERS: usize = 16;
/// Far below what a container gets before it is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_service_told_to_stop_under_load_finishes_what_it_has_taken_and_exits_with_0() {
    let mut pair = open(Env::new("orderly stop").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    let mut ids = BTreeSet::new();
    for round in 0..3 {
        let ordering = join_all((0..CUSTOMERS).map(|_| until_nobody_listens(&shop)));
        let stopping = async {
            let enough = i64::try_from(ids.len()).expect("a number") + 100;
            eventually("100 more orders are placed", PATIENCE, async || {
                let total: i64 = sqlx::query_scalar("select count(*) from orders").fetch_one(&orders).await?;
                anyhow::ensure!(total >= enough, "{total} of {enough}");
                Ok(())
            })
            .await;
            let began = Instant::now();
            let (one, other) =
                tokio::join!(pair.orders.terminate(STOPS_WITHIN), pair.deliveries.terminate(STOPS_WITHIN));
            for status in [one, other] {
                let status = status.expect("it stops in time").expect("it ran");
                assert!(status.success(), "round {round}: {status}");
            }
            began.elapsed()
        };
        let (acknowledged, took) = tokio::join!(ordering, stopping);
        ids.extend(acknowledged.into_iter().flatten());
        let known: Vec<String> =
            sqlx::query_scalar("select id::text from orders").fetch_all(&orders).await.expect("the orders");
        // Exactly those: whoever was not told of an order has none.
        assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), ids, "round {round}");
        println!("stopped within {took:?} after {} orders", ids.len());
        pair.orders.restart().await.expect("it is started again");
        pair.deliveries.restart().await.expect("it is started again");
        for service in [&mut pair.orders, &mut pair.deliveries] {
            service.wait_ready(PATIENCE).await.expect("it is ready");
        }
    }
    all_confirmed(&orders, i64::try_from(ids.len()).expect("a number")).await;
    assert_eq!(with_status(&orders, "cancelled").await.expect("a number"), 0);
    pair.settles().await;
}

/// Orders until the connection is refused. Answers with the ids of what was placed.
async fn until_nobody_listens(shop: &Shop) -> Vec<String> {
    let mut placed = Vec::new();
    while let Ok(reply) = shop.place(&order()).await {
        match reply.status {
            StatusCode::CREATED => placed.push(reply.text("/id")),
            StatusCode::SERVICE_UNAVAILABLE => assert!(reply.is_not_now(), "{reply:?}"),
            _ => panic!("{reply:?}"),
        }
    }
    placed
}
