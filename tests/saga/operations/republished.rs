//! What was lost on its way is announced again.

use http::StatusCode;
use serde_json::json;
use tests::{PATIENCE, eventually_is};

use super::{Operator, actions, becomes, loses, order_for, pair, places, status_of};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_event_was_lost_is_announced_again() {
    let (mut pair, shop) = pair("republished").await;
    let (orders, _) = pair.pools();
    let operator = Operator::of(&pair.orders);
    let pause = operator.pauses("topic", "orders", 600).await;
    let lost = places(&shop, &order_for("Ada Lovelace")).await;
    loses(&mut pair.orders, &orders, &lost).await;
    operator.ends_pause(&pause).await;
    let other = places(&shop, &order_for("Ada Lovelace")).await;
    becomes(&shop, &other, "confirmed").await;
    assert_eq!(status_of(&shop, &lost).await.expect("its status"), "completed", "nobody has heard of it");

    let again = json!({ "order_id": lost, "reason": "it is not in the topic" });
    let announced = operator.does("/republications", &again).await;
    assert_eq!(announced, json!({ "order_id": lost, "versions": [1] }));
    becomes(&shop, &lost, "confirmed").await;
    // And once more, which changes nothing. What is still in the outbox is not put there a second time.
    super::all_is_sent(&orders).await;
    operator.does("/republications", &json!({ "order_id": lost, "version": 1, "reason": "to be sure" })).await;
    let counted =
        async || Ok(shop.counter(&pair.deliveries.url(), "inbox_events_total{outcome=\"duplicate\"}").await?);
    eventually_is("the repeat is seen", PATIENCE, 1.0, counted).await;
    let nothing =
        operator.asks("/republications", &json!({ "order_id": lost, "version": 2, "reason": "why not" })).await;
    assert!(nothing.is_problem(StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(actions(&orders).await, ["pause", "end_pause", "republish", "republish"]);
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_announced_in_that_time_is_announced_again() {
    let (pair, shop) = pair("republishedsince").await;
    let (orders, _) = pair.pools();
    let operator = Operator::of(&pair.orders);
    for _ in 0..3 {
        let order = places(&shop, &order_for("Ada Lovelace")).await;
        becomes(&shop, &order, "confirmed").await;
    }
    let old = "update event_log set occurred_at = occurred_at - interval '2 days'
               where order_id in (select order_id from event_log order by order_id limit 1)";
    sqlx::query(old).execute(&orders).await.expect("one is of another day");
    let day_before = "select to_char((now() - interval '1 day') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let since: String = sqlx::query_scalar(day_before).fetch_one(&orders).await.expect("a moment");
    let asked = operator.does("/republications", &json!({ "since": since, "reason": "a broken disk" })).await;
    let path = format!("/republications/{}", asked["id"].as_str().expect("an id"));
    eventually_is("two are announced again", PATIENCE, json!(2), async || {
        let one = operator.get(&path).await;
        anyhow::ensure!(one["ended_at"].is_string(), "not yet");
        Ok(one["announced"].clone())
    })
    .await;
    let counted =
        async || Ok(shop.counter(&pair.deliveries.url(), "inbox_events_total{outcome=\"duplicate\"}").await?);
    eventually_is("the repeats are seen", PATIENCE, 2.0, counted).await;

    // And of that other day only what is older: the end of a period counts as well.
    let period = json!({ "since": "2020-01-01T00:00:00Z", "until": since, "reason": "what is older" });
    let asked = operator.does("/republications", &period).await;
    let path = format!("/republications/{}", asked["id"].as_str().expect("an id"));
    eventually_is("one is announced again", PATIENCE, json!(1), async || {
        let one = operator.get(&path).await;
        anyhow::ensure!(one["ended_at"].is_string(), "not yet");
        Ok(one["announced"].clone())
    })
    .await;
    assert_eq!(actions(&orders).await, ["republish", "republish"]);
    pair.settles().await;
}
