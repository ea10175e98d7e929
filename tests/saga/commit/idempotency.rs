//! The same request again: carried out once, answered the same.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Env, Reply, order_of};

use super::{all, number, placed, two_instances};

fn order(quantity: u32) -> Value {
    order_of(&[("A", quantity)], "10115")
}

/// What the caller can tell answers apart by.
fn seen(reply: &Reply) -> (StatusCode, &str, &str, &[u8]) {
    (reply.status, reply.header("location"), reply.header("content-type"), &reply.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_50_times_at_once_through_two_instances_is_one_order() {
    let env = Env::new("same key").await;
    let instances = two_instances(&env).await;
    let pool = env.pool(env.orders_database());
    let shop = &instances[0].1;
    shop.sells("A", 100).await.expect("100 pieces");
    let order = order(2);

    for (round, key) in ["k", "another"].into_iter().enumerate() {
        let replies = all((0..50).map(|n| instances[n % 2].1.place_once(key, &order))).await;
        assert_eq!(replies[0].status, StatusCode::CREATED, "{:?}", replies[0]);
        assert_eq!(replies[0].header("location"), format!("/orders/{}", replies[0].text("/id")));
        assert!(replies.iter().all(|reply| seen(reply) == seen(&replies[0])), "{replies:#?}");
        let orders = i64::try_from(round).expect("a round") + 1;
        assert_eq!(placed(&pool).await, orders);
        assert_eq!(number(&pool, "select reserved from products").await, 2 * orders);
    }
    // White space and the order of fields make no difference; another quantity does.
    let same = format!(" {} ", serde_json::to_string_pretty(&order).expect("JSON"));
    let again = shop.order_request("/orders", &json!({})).header("idempotency-key", "k").body(same);
    assert_eq!(Reply::to(again).await.expect("there is an answer").status, StatusCode::CREATED);
    let other = instances[1].1.place_once("k", &self::order(3)).await.expect("there is an answer");
    assert!(other.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"), "{other:?}");
    assert_eq!(placed(&pool).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_bodies_under_one_key_at_once_are_one_order_and_refusals() {
    let env = Env::new("one key many bodies").await;
    let instances = two_instances(&env).await;
    let pool = env.pool(env.orders_database());
    instances[0].1.sells("A", 1_000).await.expect("1,000 pieces");
    let orders: Vec<_> = (1..=20).map(order).collect();

    let replies = all(orders.iter().enumerate().map(|(n, order)| instances[n % 2].1.place_once("k", order))).await;
    let created: Vec<_> = replies.iter().filter(|reply| reply.status == StatusCode::CREATED).collect();
    let reused = |reply: &&Reply| reply.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    assert_eq!((created.len(), replies.iter().filter(reused).count()), (1, 19));
    assert_eq!(placed(&pool).await, 1);
    assert_eq!(created[0].json()["items"][0]["quantity"], json!(number(&pool, "select reserved from products").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_kept_and_a_key_belongs_to_its_route() {
    let env = Env::new("not kept").await;
    let instances = two_instances(&env).await;
    let pool = env.pool(env.orders_database());
    let shop = &instances[0].1;
    shop.sells("A", 1).await.expect("one piece");
    shop.sells("B", 1).await.expect("one piece");

    let refused = shop.place_once("k", &order(2)).await.expect("there is an answer");
    assert!(refused.is_problem(StatusCode::CONFLICT, "out_of_stock"), "{refused:?}");
    // The same key on three other routes: none of them is taken for the order.
    for path in ["/products/A/receipts", "/products/B/receipts", "/products/A/receipts"] {
        let receipt = shop.order_request(path, &json!({ "quantity": 1 })).header("idempotency-key", "k");
        assert_eq!(Reply::to(receipt).await.expect("there is an answer").status, StatusCode::OK);
    }
    assert_eq!(number(&pool, "select sum(received)::bigint from products").await, 4);
    let placed_now = shop.place_once("k", &order(2)).await.expect("there is an answer");
    assert_eq!(placed_now.status, StatusCode::CREATED);
    let again = instances[1].1.place_once("k", &order(2)).await.expect("there is an answer");
    assert_eq!(seen(&again), seen(&placed_now));

    let cancel = || {
        let path = format!("/orders/{}/cancellation", placed_now.text("/id"));
        Reply::to(shop.order_request(&path, &json!({})).header("idempotency-key", "k"))
    };
    let (first, second) = (cancel().await.expect("there is an answer"), cancel().await.expect("there is an answer"));
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(seen(&first), seen(&second));
    assert_eq!(placed(&pool).await, 1);
}
