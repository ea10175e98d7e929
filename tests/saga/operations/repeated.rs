//! Everything announced and replayed again and again while orders come in: the second time changes nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use shared_events::Topic;
use sqlx::PgPool;
use tests::{PATIENCE, Shop, eventually};

use super::{Operator, order_for, pair, places};

/// What must not change by a repeat: every row of the ledger, of the stock, of both histories.
async fn effects(pool: &PgPool, sum: &'static str, orders: &[String]) -> String {
    sqlx::query_scalar(sum).bind(orders).fetch_one(pool).await.expect("a sum")
}

const OF_ORDERS: &str = "
    select md5(string_agg(row, '|' order by row)) from (
        select orders::text as row from orders where id::text = any ($1)
        union all select transfers::text from transfers where order_id::text = any ($1)
        union all select order_history::text from order_history where order_id::text = any ($1)) as rows";

const OF_DELIVERIES: &str = "
    select md5(string_agg(row, '|' order by row)) from (
        select deliveries::text as row from deliveries where order_id::text = any ($1)
        union all select delivery_history::text from delivery_history where order_id::text = any ($1)) as rows";

/// Announces again all that one side has ever said, and waits until it is on its way.
async fn republishes(operator: &Operator) -> i64 {
    let asked =
        operator.does("/republications", &json!({ "since": "2020-01-01T00:00:00Z", "reason": "a trial" })).await;
    let path = format!("/republications/{}", asked["id"].as_str().expect("an id"));
    let done = eventually("all is announced again", PATIENCE, async || {
        let one = operator.get(&path).await;
        if one["ended_at"].is_string() { Ok(one) } else { Err(one.to_string()) }
    })
    .await;
    done["announced"].as_i64().expect("a number")
}

async fn placing(shop: Shop, stop: Arc<AtomicBool>) -> usize {
    let mut placed = 0;
    while !stop.load(Ordering::Relaxed) {
        places(&shop, &order_for("Grace Hopper")).await;
        placed += 1;
    }
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn replaying_everything_three_times_during_traffic_changes_nothing() {
    let (pair, shop) = pair("repeated").await;
    let (orders, deliveries) = pair.pools();
    let operators = [Operator::of(&pair.orders), Operator::of(&pair.deliveries)];
    // Some that were parked once are replayed, too.
    let held = places(&shop, &order_for("Ada Lovelace")).await;
    let mut settled = vec![held];
    for _ in 0..40 {
        settled.push(places(&shop, &order_for("Ada Lovelace")).await);
    }
    pair.settles().await;
    let parked_once = "insert into parked_events (id, topic, \"partition\", \"offset\", order_id, version, key, header_names,
                           header_values, payload, cause, error, parked_at, resolved_at, resolution)
                       select gen_random_uuid(), 'orders', 0, row_number() over (), order_id, 1, null, '{}', '{}', null, 'rejected',
                              'once', now(), now(), 'applied' from deliveries limit 5";
    sqlx::query(parked_once).execute(&deliveries).await.expect("five were parked");
    let before = (effects(&orders, OF_ORDERS, &settled).await, effects(&deliveries, OF_DELIVERIES, &settled).await);

    let stop = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn(placing(shop.clone(), stop.clone()));
    for _ in 0..3 {
        for operator in &operators {
            assert!(republishes(operator).await >= 41, "all of them");
        }
        let parked = operators[1].get("/parked-events?state=resolved").await;
        let ids: Vec<Value> = parked["items"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        let again = operators[1].does("/replays", &json!({ "events": ids, "reason": "a trial" })).await;
        assert_eq!(again["rehearsal"], json!({ "duplicate": 5 }));
        assert_eq!(operators[1].starts(&again).await["outcomes"], json!({ "duplicate": 5 }));
    }
    stop.store(true, Ordering::Relaxed);
    assert!(traffic.await.expect("it goes on") > 0, "there was traffic");
    pair.settles().await;
    let after = (effects(&orders, OF_ORDERS, &settled).await, effects(&deliveries, OF_DELIVERIES, &settled).await);
    assert_eq!(before, after);
    for topic in [Topic::Orders, Topic::Deliveries] {
        let records = pair.env.read(topic).await;
        let of_first =
            records.iter().filter(|record| record.place().is_some_and(|(id, _)| id.to_string() == settled[0]));
        assert_eq!(of_first.count(), 4, "{topic}: once, and three times more");
    }
}
