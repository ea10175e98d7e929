//! What is held back: a topic that is read, a topic that is sent, one instance, one order. It stays so over a restart, and ends.

use serde_json::json;
use shared_events::Topic;
use tests::{PATIENCE, eventually_is};

use super::{Operator, actions, all_is_sent, becomes, breaks, mends, order_for, pair, places, status_of};

/// Long enough to outlast any test.
const LONG_S: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paused_waits_alone_and_goes_on_in_order_when_the_pause_ends() {
    let (pair, shop) = pair("pausedorder").await;
    let (orders, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let reading = operator.pauses("topic", "orders", LONG_S).await;
    let held = places(&shop, &order_for("Ada Lovelace")).await;
    let pause = operator.pauses("order", &held, LONG_S).await;
    operator.ends_pause(&reading).await;
    let parked = operator.sees_parked("paused").await;
    assert_eq!((&parked["order_id"], &parked["attempts"]), (&json!(held), &json!(1)));

    // Another one is not concerned, and neither is it by what else comes for the first.
    let other = places(&shop, &order_for("Ada Lovelace")).await;
    becomes(&shop, &other, "confirmed").await;
    shop.cancel(&held).await.expect("an answer");
    eventually_is("its cancellation waits too", PATIENCE, 2, async || Ok(operator.parked("waiting").await.len())).await;
    let rehearsed = operator.does("/replays", &json!({ "order_id": held, "reason": "a look" })).await;
    assert_eq!(rehearsed["rehearsal"], json!({ "waits": 2 }));
    assert_eq!(status_of(&shop, &held).await.expect("its status"), "cancelling");

    operator.ends_pause(&pause).await;
    becomes(&shop, &held, "cancelled").await;
    let delivery = shop.delivery_of(&held).await.expect("an answer").expect("a delivery");
    assert_eq!(delivery["status"], "cancelled", "it was made, and then cancelled: nothing has jumped");
    let resolutions: Vec<String> =
        sqlx::query_scalar("select resolution from parked_events").fetch_all(&deliveries).await.expect("resolved");
    assert_eq!(resolutions, ["applied", "applied"]);
    assert_eq!(actions(&deliveries).await, ["pause", "pause", "end_pause", "make_replay", "end_pause"]);
    all_is_sent(&orders).await;
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_from_being_sent_stays_in_the_outbox_also_over_a_restart() {
    let (mut pair, shop) = pair("pausedsending").await;
    let (orders, _) = pair.pools();
    let operator = Operator::of(&pair.orders);
    let pause = operator.pauses("topic", "orders", LONG_S).await;
    let order = places(&shop, &order_for("Ada Lovelace")).await;
    let unsent = async || -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from outbox").fetch_one(&orders).await?)
    };
    pair.orders.restart().await.expect("it starts");
    pair.orders.wait_ready(PATIENCE).await.expect("it becomes ready");
    let second = places(&shop, &order_for("Ada Lovelace")).await;
    // The other way is open meanwhile, and this one is not: what comes in is read, what goes out is not there.
    assert!(pair.env.read(Topic::Orders).await.is_empty(), "nothing has gone out");
    assert_eq!(unsent().await.expect("a count"), 2);
    assert_eq!(operator.get("/pauses?in_force=true").await["items"][0]["id"], json!(pause));

    operator.ends_pause(&pause).await;
    for order in [order, second] {
        becomes(&shop, &order, "confirmed").await;
    }
    assert_eq!(operator.get("/pauses?in_force=true").await["items"], json!([]));
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_paused_applies_nothing_until_the_pause_runs_out() {
    let (pair, shop) = pair("pausedinstance").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    // One for an instance that is not there holds nothing back.
    operator.pauses("consumer", "somebody-else", LONG_S).await;
    let first = places(&shop, &order_for("Ada Lovelace")).await;
    becomes(&shop, &first, "confirmed").await;

    let pause = operator.pauses("consumer", "delivery-service-1", 3).await;
    let second = places(&shop, &order_for("Ada Lovelace")).await;
    let (orders, _) = pair.pools();
    all_is_sent(&orders).await;
    becomes(&shop, &second, "confirmed").await;
    // By the database's clock, which nobody has to wait for: it was applied after the pause was over.
    let applied_after: bool = sqlx::query_scalar(
        "select min(at) >= (select until from pauses where id = $1::text::uuid) from delivery_history where order_id = $2::text::uuid",
    )
    .bind(&pause)
    .bind(&second)
    .fetch_one(&deliveries)
    .await
    .expect("it has a history");
    assert!(applied_after);
    let over = operator.get("/pauses?in_force=false").await;
    assert_eq!((&over["items"][0]["id"], &over["items"][0]["ended_at"]), (&json!(pause), &json!(null)));
    // What has run out is not in the way of a new one.
    operator.pauses("consumer", "delivery-service-1", 1).await;
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_pause_runs_out_goes_on_by_itself() {
    let (pair, shop) = pair("pauserunsout").await;
    let operator = Operator::of(&pair.deliveries);
    let reading = operator.pauses("topic", "orders", LONG_S).await;
    let order = places(&shop, &order_for("Ada Lovelace")).await;
    operator.pauses("order", &order, 3).await;
    operator.ends_pause(&reading).await;
    becomes(&shop, &order, "confirmed").await;
    assert_eq!(
        operator.get(&format!("/parked-events?state=resolved&order_id={order}")).await["items"][0]["cause"],
        "paused"
    );
    pair.settles().await;
}

/// Counts the events of all sets that were replayed while this pause was in force.
const DURING: &str = "select count(*) from replay_events, pauses
                      where pauses.id = $1::text::uuid and at between since and coalesce(ended_at, until)";

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_was_started_waits_for_the_end_of_a_pause_and_goes_on() {
    const EVENTS: usize = 12;
    let (pair, shop) = pair("pausedreplay").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let replayed_during = async |pause: &str| -> i64 {
        sqlx::query_scalar(DURING).bind(pause.to_owned()).fetch_one(&deliveries).await.expect("a count")
    };
    breaks(&deliveries, "insert on deliveries").await;
    for _ in 0..EVENTS {
        places(&shop, &order_for("Ada Lovelace")).await;
    }
    operator.lets_rest(&deliveries, EVENTS).await;
    mends(&deliveries).await;

    // It is rehearsed as if nothing were held back, and does not begin before the pause has run out.
    let before = operator.pauses("topic", "orders", 3).await;
    let wanted = json!({ "cause": "rejected", "per_second": 4, "reason": "a look" });
    let set = operator.does("/replays", &wanted).await;
    assert_eq!(set["rehearsal"], json!({ "apply": EVENTS }));
    operator.begins(&set).await;
    operator.has_done(&set, 1).await;
    assert_eq!(replayed_during(&before).await, 0);
    // Another one comes in the middle: the set is let go, so that nobody's lease runs out meanwhile.
    let amid = operator.pauses("topic", "orders", LONG_S).await;
    eventually_is("nobody has the set", PATIENCE, true, async || {
        let is_free = "select leased_until is null from replays";
        Ok(sqlx::query_scalar(is_free).fetch_one(&deliveries).await?)
    })
    .await;
    operator.ends_pause(&amid).await;
    let ended = operator.ends(&set).await;
    assert_eq!(ended["outcomes"], json!({ "applied": EVENTS }));
    let amid = replayed_during(&amid).await;
    assert!(amid <= 1, "{amid} were replayed, and only what was under way may be");
    pair.settles().await;
}
