//! What is parked for the same reason is one group, whatever ids its errors name, and is replayed as one.

use bytes::Bytes;
use serde_json::{Value, json};
use shared_events::Topic;
use sqlx::PgPool;
use tests::{PATIENCE, envelope, eventually_is, fresh_order, golden, record};

use super::{Operator, becomes, order_for, pair, places};

/// Mistakes in the database of the delivery side: one that names the order, and another one.
const MISTAKES: &str = "
    create function refuses() returns trigger language plpgsql as $$
    begin
        if new.address ->> 'recipient' = 'Poison' then raise exception 'no parcel for Poison'; end if;
        raise exception E'order % has\\nno courier among 7 & more', new.order_id;
    end $$;
    create trigger refuses before insert on deliveries for each row execute function refuses()";

/// The orders of these parked events.
fn orders_of(parked: &[Value]) -> Vec<&str> {
    let mut orders: Vec<&str> = parked.iter().filter_map(|one| one["order_id"].as_str()).collect();
    orders.sort_unstable();
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_only_by_ids_is_one_group_and_is_replayed_as_one() {
    let (pair, shop) = pair("grouped").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    sqlx::raw_sql(MISTAKES).execute(&deliveries).await.expect("mistakes are made");
    let poisoned = places(&shop, &order_for("Poison")).await;
    let mut alike = [places(&shop, &order_for("Ada Lovelace")).await, places(&shop, &order_for("Grace Hopper")).await];
    alike.sort_unstable();
    operator.lets_rest(&deliveries, 3).await;

    let groups = operator.get("/parked-events/groups").await["items"].take();
    let shown = |group: &Value| ["events", "orders", "event_type"].map(|member| group[member].clone());
    assert_eq!(shown(&groups[0]), [json!(2), json!(2), json!("OrderCompleted")]);
    assert_eq!(shown(&groups[1]), [json!(1), json!(1), json!("OrderCompleted")]);
    assert_eq!(groups.as_array().map(Vec::len), Some(2), "{groups}");
    let error = groups[0]["error"].as_str().expect("a text");
    assert!(error.contains("order … has…no courier among … & more"), "{error}");

    let listed = async |parameters: &[(&str, &str)]| {
        let url = reqwest::Url::parse_with_params(&format!("{}/parked-events", pair.deliveries.url()), parameters);
        let page = shop.read(url.expect("an address").as_str()).await.expect("a list")["items"].take();
        page.as_array().expect("a list").clone()
    };
    let of_group = listed(&[("event_type", "OrderCompleted"), ("error", error)]).await;
    assert_eq!(orders_of(&of_group), alike);
    assert_eq!(listed(&[("event_type", "OrderCompleted")]).await.len(), 3);
    assert!(listed(&[("event_type", "OrderCancelled")]).await.is_empty());

    sqlx::raw_sql("drop function refuses cascade").execute(&deliveries).await.expect("it is mended");
    let group = json!({ "event_type": "OrderCompleted", "error": error, "reason": "a group" });
    let set = operator.does("/replays", &group).await;
    assert_eq!((&set["rehearsal"], &set["left_out"]), (&json!({ "apply": 2 }), &json!(0)));
    assert_eq!(operator.starts(&set).await["outcomes"], json!({ "applied": 2 }));
    for order in &alike {
        becomes(&shop, order, "confirmed").await;
    }
    assert_eq!(orders_of(&operator.parked("waiting").await), [poisoned.as_str()]);
    let other = operator.does("/replays", &json!({ "event_type": "OrderCompleted", "reason": "the other" })).await;
    operator.starts(&other).await;
    becomes(&shop, &poisoned, "confirmed").await;
    pair.settles().await;
}

async fn are_parked(deliveries: &PgPool, many: i64) {
    eventually_is("they are parked", PATIENCE, many, async || {
        Ok(sqlx::query_scalar("select count(*) from parked_events").fetch_one(deliveries).await?)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_says_how_many_it_has_no_room_for_and_takes_no_part_of_an_order() {
    let (pair, _) = pair("leftout").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let topic = pair.env.topic(Topic::Orders);
    let event = |order, version| record(&topic, &envelope(order, version, golden("OrderCompleted.v1")));
    let unreadable = |_| {
        let mut broken = event(fresh_order(), 1);
        broken.payload = Some(Bytes::from_static(b"garbled"));
        broken
    };
    pair.env.produce(&(0..999).map(unreadable).collect::<Vec<_>>()).await;
    are_parked(&deliveries, 999).await;
    // One of the two would have room.
    let late = fresh_order();
    pair.env.produce(&[event(late, 2), event(late, 3)]).await;
    are_parked(&deliveries, 1_001).await;
    let all = operator.does("/replays", &json!({ "event_type": "OrderCompleted", "reason": "too many" })).await;
    assert_eq!((&all["events"], &all["left_out"]), (&json!(999), &json!(2)));
    let path = super::path_of(&all);
    assert_eq!(operator.get(&path).await["left_out"], 2);
    let rest = operator.does("/replays", &json!({ "order_id": late, "reason": "the rest" })).await;
    assert_eq!((&rest["events"], &rest["left_out"]), (&json!(2), &json!(0)));
}
