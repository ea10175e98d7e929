//! A set is what was rehearsed, and nothing that came since.

use serde_json::json;
use sqlx::PgPool;
use tests::{PATIENCE, eventually_is};

use super::{Operator, becomes, order_for, pair, places};

const MISTAKE: &str =
    "create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill'; end $$;
                       create trigger ill before insert on deliveries for each row execute function ill()";

/// Waits until so many are parked, and keeps them from being tried by themselves.
async fn are_parked(operator: &Operator, deliveries: &PgPool, many: usize) {
    eventually_is("they are parked", PATIENCE, many, async || Ok(operator.parked("waiting").await.len())).await;
    let later = "update parked_events set next_attempt_at = now() + interval '1 hour' where resolved_at is null";
    sqlx::query(later).execute(deliveries).await.expect("they wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_after_a_set_was_frozen_is_not_replayed_with_it() {
    let (pair, shop) = pair("frozen").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    sqlx::raw_sql(MISTAKE).execute(&deliveries).await.expect("a mistake is made");
    let first = places(&shop, &order_for("Ada Lovelace")).await;
    are_parked(&operator, &deliveries, 1).await;
    let set = operator.does("/replays", &json!({ "cause": "rejected", "reason": "a look" })).await;
    assert_eq!(set["events"], 1);

    let second = places(&shop, &order_for("Ada Lovelace")).await;
    are_parked(&operator, &deliveries, 2).await;
    sqlx::raw_sql("drop trigger ill on deliveries").execute(&deliveries).await.expect("it is mended");
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
