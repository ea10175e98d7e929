//! One order of a thousand cannot be applied: the others do not notice, and it is replayed when what was wrong is mended.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde_json::json;
use sqlx::PgPool;
use tests::{PATIENCE, eventually_is};

use super::{Operator, actions, becomes, leaves, order_for, pair, places, staff, status_of};

const ORDERS: usize = 1_000;
const AT_ONCE: usize = 64;

/// A mistake in the database of the delivery side: it takes no parcel for Poison.
const MISTAKE: &str = "
    create function refuses_poison() returns trigger language plpgsql as $$
    begin
        if new.address ->> 'recipient' = 'Poison' then raise exception 'no parcel for Poison'; end if;
        return new;
    end $$;
    create trigger refuses_poison before insert on deliveries for each row execute function refuses_poison()";

async fn count(pool: &PgPool, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_order_among_a_thousand_leaves_the_others_undisturbed_is_mended_replayed_and_finishes() {
    let (pair, shop) = pair("poisoned").await;
    let (orders, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    sqlx::raw_sql(MISTAKE).execute(&deliveries).await.expect("a mistake is made");

    let shop = Arc::new(shop);
    let recipient = |number: usize| if number == ORDERS / 2 { "Poison" } else { "Ada Lovelace" };
    let placing = stream::iter(0..ORDERS).map(|number| {
        let shop = shop.clone();
        async move { (number, places(&shop, &order_for(recipient(number))).await) }
    });
    let placed: Vec<(usize, String)> = placing.buffer_unordered(AT_ONCE).collect().await;
    let (_, poisoned) = placed.iter().find(|(number, _)| *number == ORDERS / 2).expect("it was placed").clone();

    let confirmed = "select count(*) from orders where status = 'confirmed'";
    let others = i64::try_from(ORDERS).expect("few") - 1;
    eventually_is("the others are confirmed", PATIENCE, others, async || Ok(count(&orders, confirmed).await)).await;
    let parked = operator.sees_parked("rejected").await;
    assert_eq!((&parked["order_id"], &parked["version"]), (&json!(poisoned), &json!(1)));
    assert_eq!(parked["event_type"], "OrderCompleted");
    assert!(parked["error"].as_str().is_some_and(|error| error.contains("no parcel for Poison")), "{parked}");
    let shown = operator.get(&format!("/parked-events/{}", parked["id"].as_str().expect("an id"))).await;
    assert_eq!(shown["payload"]["json"]["delivery_address"]["recipient"], "Poison");
    assert_eq!(shown["key"]["text"], json!(poisoned));
    let groups = operator.get("/parked-events/groups").await;
    assert_eq!((&groups["items"][0]["events"], &groups["items"][0]["cause"]), (&json!(1), &json!("rejected")));

    // A rehearsal tells, and changes nothing: neither before it is mended nor after.
    let wanted = json!({ "cause": "rejected", "reason": "a look" });
    let rehearsed = operator.does("/replays", &wanted).await;
    assert_eq!(rehearsed["rehearsal"], json!({ "still_failing": 1 }));
    // By itself it is tried again soon: not while we look.
    operator.lets_rest(&deliveries, 1).await;
    sqlx::raw_sql("drop trigger refuses_poison on deliveries").execute(&deliveries).await.expect("it is mended");
    let taken = "select sum(taken)::bigint from slots";
    let before = (count(&deliveries, "select count(*) from deliveries").await, count(&deliveries, taken).await);
    let rehearsed = operator.does("/replays", &wanted).await;
    assert_eq!(rehearsed["rehearsal"], json!({ "apply": 1 }));
    assert_eq!(rehearsed["items"][0]["detail"], "the delivery is scheduled");
    let after = (count(&deliveries, "select count(*) from deliveries").await, count(&deliveries, taken).await);
    assert_eq!(before, after);
    assert_eq!(status_of(&shop, &poisoned).await.expect("its status"), "completed");

    let replayed = operator.starts(&rehearsed).await;
    assert_eq!(replayed["outcomes"], json!({ "applied": 1 }));
    becomes(&shop, &poisoned, "confirmed").await;
    let delivery = leaves(&shop, &poisoned).await;
    staff(&shop, &delivery, "completion", json!({ "received_by": "Poison" })).await;
    becomes(&shop, &poisoned, "delivered").await;
    assert_eq!(actions(&deliveries).await, ["make_replay", "make_replay", "start_replay"]);
    pair.settles().await;
}
