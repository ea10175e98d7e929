//! A set is what was rehearsed, and nothing that came since.

use serde_json::json;

use super::{Operator, becomes, breaks, mends, order_for, pair, places};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_after_a_set_was_frozen_is_not_replayed_with_it() {
    let (pair, shop) = pair("frozen").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    breaks(&deliveries, "insert on deliveries").await;
    let first = places(&shop, &order_for("Ada Lovelace")).await;
    operator.lets_rest(&deliveries, 1).await;
    let set = operator.does("/replays", &json!({ "cause": "rejected", "reason": "a look" })).await;
    assert_eq!(set["events"], 1);

    let second = places(&shop, &order_for("Ada Lovelace")).await;
    operator.lets_rest(&deliveries, 2).await;
    mends(&deliveries).await;
    let replayed = operator.starts(&set).await;
    assert_eq!((&replayed["events"], &replayed["outcomes"]), (&json!(1), &json!({ "applied": 1 })));
    becomes(&shop, &first, "confirmed").await;
    let left = operator.parked("waiting").await;
    assert_eq!((left.len(), &left[0]["order_id"]), (1, &json!(second)), "{left:?}");

    let now = "update parked_events set next_attempt_at = now() where resolved_at is null";
    sqlx::query(now).execute(&deliveries).await.expect("it is tried");
    becomes(&shop, &second, "confirmed").await;
    pair.settles().await;
}
