//! The one way to be rid of an event: the order's first, and only where the saga can still end well.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tests::{PATIENCE, Pair, Shop, envelope, eventually_is, golden, record};

use super::{Operator, actions, becomes, loses, order_for, pair, places};

/// An order whose event arrives broken: what is sent in its place cannot be read.
pub(super) async fn garbled(pair: &mut Pair, shop: &Shop, orders: &PgPool) -> OrderId {
    let operator = Operator::of(&pair.orders);
    let pause = operator.pauses("topic", "orders", 600).await;
    let order_id: OrderId = places(shop, &order_for("Ada Lovelace")).await.parse().expect("an id");
    loses(&mut pair.orders, orders, &order_id.to_string()).await;
    let mut broken = record(&pair.env.topic(Topic::Orders), &envelope(order_id, 1, golden("OrderCompleted.v1")));
    broken.payload = Some(Bytes::from_static(b"garbled"));
    pair.env.produce(&[broken]).await;
    operator.ends_pause(&pause).await;
    order_id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_event_nobody_can_read_is_given_up_and_the_customer_gets_the_money_back() {
    let (mut pair, shop) = pair("givingup").await;
    let (orders, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let order_id = garbled(&mut pair, &shop, &orders).await;
    let parked = operator.sees_parked("undecodable").await;
    let path = format!("/parked-events/{}/giving-up", parked["id"].as_str().expect("an id"));

    let nameless = operator.asks(&path, &json!({})).await;
    assert!(nameless.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"), "why has to be said");
    let held = operator.pauses("order", &order_id.to_string(), 600).await;
    let paused = operator.asks(&path, &json!({ "reason": "the broker has garbled it" })).await;
    assert!(paused.is_problem(StatusCode::CONFLICT, "cannot_be_given_up"), "{paused:?}");
    operator.ends_pause(&held).await;
    let given_up = operator.does(&path, &json!({ "reason": "the broker has garbled it" })).await;
    assert_eq!(given_up["resolution"], "given_up");
    let order_id = order_id.to_string();
    becomes(&shop, &order_id, "cancelled").await;
    let order = shop.order(&order_id).await.expect("the order");
    assert_eq!((&order["payment"], &order["stock"]), (&json!("voided"), &json!("released")));
    assert_eq!(order["cancellation"]["failure"], json!({ "stage": "creation", "reason": "unprocessable" }));
    let delivery = shop.delivery_of(&order_id).await.expect("an answer").expect("a delivery");
    assert_eq!(delivery["status"], "refused");
    let again = operator.asks(&path, &json!({ "reason": "once more" })).await;
    assert!(again.is_problem(StatusCode::CONFLICT, "cannot_be_given_up"), "{again:?}");
    assert_eq!(actions(&deliveries).await, ["pause", "end_pause", "give_up"]);
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_behind_an_event_that_is_given_up_goes_on() {
    let (mut pair, shop) = pair("givenupgoeson").await;
    let (orders, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let order_id = garbled(&mut pair, &shop, &orders).await;
    let parked = operator.sees_parked("undecodable").await;
    // No second event of an order waits for the first one, as things are: a cancellation jumps. So it is one that should not be.
    let second = record(&pair.env.topic(Topic::Orders), &envelope(order_id, 2, golden("OrderCompleted.v1")));
    pair.env.produce(&[second]).await;
    eventually_is("both are parked", PATIENCE, 2, async || Ok(operator.parked("waiting").await.len())).await;
    let path = format!("/parked-events/{}", parked["id"].as_str().expect("an id"));
    assert_eq!(operator.get(&path).await["waiting_behind"][0]["version"], 2);
    operator.does(&format!("{path}/giving-up"), &json!({ "reason": "the broker has garbled it" })).await;
    let resolutions = [(1, "given_up".to_owned()), (2, "applied".to_owned())];
    eventually_is("both are resolved", PATIENCE, resolutions.to_vec(), async || {
        let resolved = "select version, resolution from parked_events where resolved_at is not null order by version";
        Ok(sqlx::query_as::<_, (i64, String)>(resolved).fetch_all(&deliveries).await?)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_can_be_given_up() {
    let (pair, _) = pair("notgivenup").await;
    let refused = async |operator: &Operator| {
        let parked = operator.parked("waiting").await;
        let path = format!("/parked-events/{}/giving-up", parked[0]["id"].as_str().expect("an id"));
        let refused = operator.asks(&path, &json!({ "reason": "away with it" })).await;
        assert!(refused.is_problem(StatusCode::CONFLICT, "cannot_be_given_up"), "{refused:?}");
        assert_eq!(operator.parked("waiting").await, parked, "nothing has changed");
    };
    let deliveries = Operator::of(&pair.deliveries);
    let gap = record(&pair.env.topic(Topic::Orders), &envelope(tests::fresh_order(), 2, golden("OrderCompleted.v1")));
    pair.env.produce(&[gap]).await;
    deliveries.sees_parked("gap").await;
    refused(&deliveries).await;

    // What the delivery side has said is not for the order side to give up.
    let orders = Operator::of(&pair.orders);
    let mut broken =
        record(&pair.env.topic(Topic::Deliveries), &envelope(tests::fresh_order(), 1, golden("DeliveryCreated.v1")));
    broken.payload = Some(Bytes::from_static(b"garbled"));
    pair.env.produce(&[broken]).await;
    orders.sees_parked("undecodable").await;
    refused(&orders).await;
    let unknown =
        deliveries.asks(&format!("/parked-events/{}/giving-up", uuid::Uuid::nil()), &json!({ "reason": "away" })).await;
    assert!(unknown.is_problem(StatusCode::NOT_FOUND, "not_found"));
}
