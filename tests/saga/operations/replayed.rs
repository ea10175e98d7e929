//! What becomes of a set: order by order, version by version, as rehearsed, no faster than was said, and also over a restart.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared_events::Topic;
use sqlx::PgPool;
use tests::{PATIENCE, Pair, Shop, eventually_is};

use super::{Operator, becomes, breaks, leaves, mends, order_for, pair, places};

/// An order whose parcel has left.
async fn left(shop: &Shop) -> String {
    let order = places(shop, &order_for("Ada Lovelace")).await;
    leaves(shop, &order).await;
    order
}

/// The same, of which the order side hears the second event first: the first is lost on its way, and announced again.
async fn left_unheard(pair: &Pair, shop: &Shop) -> String {
    let (_, deliveries) = pair.pools();
    let (here, there) = (Operator::of(&pair.orders), Operator::of(&pair.deliveries));
    let sending = there.pauses("topic", Topic::Deliveries.name(), 600).await;
    let order = left(shop).await;
    let lost = "delete from outbox where order_id = $1::text::uuid and version = 1";
    let lost = sqlx::query(lost).bind(&order).execute(&deliveries).await.expect("it is lost");
    assert_eq!(lost.rows_affected(), 1);
    there.ends_pause(&sending).await;
    let waiting = async || anyhow::Ok(here.parked("waiting").await.len());
    eventually_is("the second is parked", PATIENCE, 1, waiting).await;
    let again = json!({ "order_id": order, "version": 1, "reason": "it is lost" });
    there.does("/republications", &again).await;
    eventually_is("the first is parked, too", PATIENCE, 2, waiting).await;
    order
}

/// One member of each event of a set.
fn each<'a>(set: &'a Value, member: &str) -> Vec<&'a Value> {
    set["items"].as_array().expect("a list").iter().map(|event| &event[member]).collect()
}

/// The versions by which an order was changed, in the order in which that happened.
async fn applied(orders: &PgPool, order: &str) -> Vec<i64> {
    let versions = "select event_version from order_history where order_id::text = $1 and event_version is not null order by number";
    sqlx::query_scalar(versions).bind(order).fetch_all(orders).await.expect("its history")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_rehearsed_and_replayed_order_by_order_and_version_by_version_at_its_pace() {
    let (pair, shop) = pair("replayed").await;
    let (orders, _) = pair.pools();
    let operator = Operator::of(&pair.orders);
    breaks(&orders, "update on orders").await;
    // Of one order the second event is parked before the first.
    let backwards = left_unheard(&pair, &shop).await;
    let mut placed = vec![backwards, left(&shop).await];
    operator.lets_rest(&orders, 4).await;
    let all = json!({ "events": ids(&operator.parked("waiting").await), "per_second": 2, "reason": "a look" });
    let broken = operator.does("/replays", &all).await;
    assert_eq!(broken["rehearsal"], json!({ "still_failing": 2, "waits": 2 }));
    assert_eq!(broken["moving_money"], 0);

    mends(&orders).await;
    let set = operator.does("/replays", &all).await;
    placed.sort_unstable();
    let [first, second] = &placed[..] else { panic!("{placed:?}") };
    assert_eq!(each(&set, "order_id"), [first, first, second, second]);
    assert_eq!(each(&set, "version"), [1, 2, 1, 2]);
    // The second of each sees what the first has done, and would otherwise wait for it.
    assert_eq!(set["rehearsal"], json!({ "apply": 4 }));
    let (confirmed, dispatched) = ("completed → confirmed", "confirmed → in_delivery");
    assert_eq!(each(&set, "detail"), [confirmed, dispatched, confirmed, dispatched]);
    assert_eq!(set["moving_money"], 2);
    assert_eq!(each(&set, "money"), ["capture 12.50 EUR", "", "capture 12.50 EUR", ""]);
    for order in &placed {
        becomes(&shop, order, "completed").await;
    }

    let replayed = operator.starts(&set).await;
    // What is a gap is due as soon as its predecessor is applied: then it may be that the retries have it before its turn comes.
    let outcomes = each(&replayed, "outcome");
    assert_eq!((outcomes[0], outcomes[2]), (&json!("applied"), &json!("applied")));
    assert!(outcomes.iter().all(|outcome| [json!("applied"), json!("duplicate")].contains(outcome)), "{outcomes:?}");
    let at: Vec<DateTime<Utc>> =
        each(&replayed, "at").iter().map(|at| at.as_str().and_then(|at| at.parse().ok()).expect("a moment")).collect();
    assert!(at.is_sorted(), "{at:?}");
    assert!(at[3] - at[0] >= TimeDelta::milliseconds(1_500), "two a second are no more than two a second: {at:?}");
    for order in &placed {
        becomes(&shop, order, "in_delivery").await;
        assert_eq!(applied(&orders, order).await, [1, 2]);
    }
    pair.settles().await;
}

fn ids(parked: &[Value]) -> Vec<&Value> {
    parked.iter().map(|one| &one["id"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_jumped_after_it_was_rehearsed_is_stale() {
    let (pair, shop) = pair("replayedstale").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    breaks(&deliveries, "insert on deliveries").await;
    let order = places(&shop, &order_for("Ada Lovelace")).await;
    operator.lets_rest(&deliveries, 1).await;
    mends(&deliveries).await;
    let set = operator.does("/replays", &json!({ "order_id": order, "reason": "a look" })).await;
    assert_eq!(set["rehearsal"], json!({ "apply": 1 }));

    shop.cancel(&order).await.expect("an answer");
    becomes(&shop, &order, "cancelled").await;
    assert_eq!(operator.starts(&set).await["outcomes"], json!({ "stale": 1 }));
    let events = json!({ "events": each(&set, "parked_id"), "reason": "once more" });
    let again = operator.does("/replays", &events).await;
    assert_eq!(
        (&again["rehearsal"], &again["items"][0]["detail"]),
        (&json!({ "stale": 1 }), &json!("it is stale already"))
    );
    assert_eq!(operator.starts(&again).await["outcomes"], json!({ "stale": 1 }));
    let delivery = shop.delivery_of(&order).await.expect("an answer").expect("a delivery");
    assert_eq!(delivery["status"], "void", "nothing was planned");
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_or_dies_in_the_middle_of_a_set_goes_on_with_it() {
    const EVENTS: usize = 12;
    let (mut pair, shop) = pair("replayeddying").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    breaks(&deliveries, "insert on deliveries").await;
    for _ in 0..EVENTS {
        places(&shop, &order_for("Ada Lovelace")).await;
    }
    operator.lets_rest(&deliveries, EVENTS).await;
    mends(&deliveries).await;
    let wanted = json!({ "cause": "rejected", "per_second": 2, "reason": "a look" });
    let set = operator.does("/replays", &wanted).await;
    let is_free = async || {
        let lease = "select leased_until is null from replays where ended_at is null";
        sqlx::query_scalar::<_, bool>(lease).fetch_one(&deliveries).await.expect("it has not ended")
    };
    operator.begins(&set).await;
    operator.has_done(&set, 1).await;

    // Who is told to stop lets go of the set: whoever comes next need not wait until a lease has run out.
    pair.deliveries.terminate(PATIENCE).await.expect("it stops");
    assert!(is_free().await);
    pair.deliveries.restart().await.expect("it starts");
    pair.deliveries.wait_ready(PATIENCE).await.expect("it becomes ready");
    let done = operator.get(&super::path_of(&set)).await["done"].as_u64().expect("a number");
    operator.has_done(&set, done + 1).await;

    pair.deliveries.kill().await.expect("it dies");
    assert!(!is_free().await);
    sqlx::query("update replays set leased_until = now()").execute(&deliveries).await.expect("a minute has gone by");
    pair.deliveries.restart().await.expect("it starts");
    pair.deliveries.wait_ready(PATIENCE).await.expect("it becomes ready");
    let replayed = operator.ends(&set).await;
    // What was applied before it died, and not noted, is a repeat.
    let outcomes = each(&replayed, "outcome");
    let repeated = outcomes.iter().filter(|outcome| **outcome == "duplicate").count();
    let applied = outcomes.iter().filter(|outcome| **outcome == "applied").count();
    assert!(repeated <= 1 && applied + repeated == EVENTS, "{outcomes:?}");
    pair.settles().await;
}
