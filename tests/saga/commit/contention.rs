//! Many at once, for the same few articles.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Env, Shop, order_of};

use super::{
    all,
    held::{Held, has_read},
    log_of, number, placed, two_instances, with_status,
};

const SKUS: [&str; 4] = ["A", "B", "C", "D"];

/// One piece of each article, each caller naming them in an order of their own.
fn one_of_each(caller: usize) -> Value {
    let mut skus = SKUS;
    skus.rotate_left(caller % SKUS.len());
    if caller % 2 == 1 {
        skus.reverse();
    }
    order_of(&skus.map(|sku| (sku, 1)), "10115")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_50_pieces_are_sold_once_through_two_instances() {
    let env = Env::new("last pieces").await;
    let instances = two_instances(&env).await;
    let pool = env.pool(env.orders_database());
    for sku in SKUS {
        instances[0].1.sells(sku, 50).await.expect("50 pieces");
    }
    let orders: Vec<_> = (0..200).map(|caller| (caller, one_of_each(caller))).collect();
    // Half of the callers go to each instance, and both get every way of naming the articles.
    let replies = all(orders.iter().map(|(caller, order)| instances[caller / 4 % 2].1.place(order))).await;

    assert_eq!(with_status(&replies, 201), 50);
    let refused = replies.iter().filter(|reply| reply.is_problem(StatusCode::CONFLICT, "out_of_stock"));
    assert_eq!(refused.filter(|reply| reply.json()["skus"] == json!(SKUS)).count(), 150);
    for sku in SKUS {
        let product = instances[1].1.product(sku).await.expect("the article");
        assert_eq!(
            (&product["reserved"], &product["available"], &product["on_hand"]),
            (&json!(50), &json!(0), &json!(50))
        );
    }
    assert_eq!(placed(&pool).await, 50);
    for (service, _) in &instances {
        assert!(!log_of(service).contains("deadlock"), "{}", log_of(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_receipts_cancellations_and_new_prices_never_deadlock() {
    let env = Env::new("crosswise").await;
    let instances = two_instances(&env).await;
    let pool = env.pool(env.orders_database());
    for sku in SKUS {
        instances[0].1.sells(sku, 1_000).await.expect("1,000 pieces");
    }
    let orders: Vec<_> = (0..200).map(one_of_each).collect();
    let placed_before = all(orders[..100].iter().map(|order| instances[0].1.place(order))).await;
    let ids: Vec<_> = placed_before.iter().map(|reply| reply.text("/id")).collect();

    let shop = |n: usize| &instances[n % 2].1;
    let (placed_now, received, priced, cancelled, twice) = tokio::join!(
        all(orders[100..].iter().enumerate().map(|(n, order)| shop(n).place(order))),
        all((0..100).map(|n| shop(n / 4).receive(SKUS[n % 4], 1))),
        all((0..100).map(|n| shop(n / 4).put_product(SKUS[3 - n % 4], 1250))),
        all(ids.iter().enumerate().map(|(n, id)| shop(n).cancel(id))),
        all(ids.iter().rev().enumerate().map(|(n, id)| shop(n).cancel(id))),
    );
    assert_eq!(with_status(&placed_now, 201), 100);
    assert_eq!((with_status(&received, 200), with_status(&priced, 200)), (100, 100));
    // Each was asked for twice: once it is done, and once it was done already.
    let answers = [cancelled, twice].concat();
    assert_eq!((with_status(&answers, 202), with_status(&answers, 200)), (100, 100));
    assert_eq!(placed(&pool).await, 200);
    assert_eq!(number(&pool, "select sum(received)::bigint from products").await, 4_100);
    assert_eq!(number(&pool, "select sum(reserved)::bigint from products").await, 800);
    assert_eq!(number(&pool, "select count(*) from event_log where version = 2").await, 100);
    for (service, _) in &instances {
        assert!(!log_of(service).contains("deadlock"), "{}", log_of(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_order_among_a_hundred_costs_only_itself() {
    let env = Env::new("one bad order").await;
    let service = env.order_service().start().await;
    let (shop, pool) = (Shop::new(service.url(), ""), env.pool(env.orders_database()));
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    // Stands for whatever our own checks may overlook one day: the schema refuses it, and with it the whole batch.
    let constraint = "alter table orders add constraint not_mallory check (customer_id <> 'mallory')";
    sqlx::query(constraint).execute(&pool).await.expect("a constraint");

    for (who, what, status, code) in [
        ("customer-1", "NO-SUCH", StatusCode::UNPROCESSABLE_ENTITY, "unknown_sku"),
        ("mallory", "A", StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    ] {
        let before = placed(&pool).await;
        let mut orders = vec![order_of(&[("A", 1)], "10115"); 100];
        orders[57] = order_of(&[(what, 1)], "10115");
        orders[57]["customer_id"] = json!(who);

        let replies = as_one_batch(&service, &shop, &pool, &orders).await;
        assert!(replies[57].is_problem(status, code), "{:?}", replies[57]);
        assert_eq!(with_status(&replies, 201), 99);
        // And the one that held up the others.
        assert_eq!(placed(&pool).await, before + 100);
    }
    let product = shop.product("A").await.expect("the article");
    assert_eq!(product["reserved"], json!(200));
}

/// Has all of these waiting while the committer is busy with another order, so that they are decided together.
async fn as_one_batch(
    service: &tests::Service,
    shop: &Shop,
    pool: &sqlx::PgPool,
    orders: &[Value],
) -> Vec<tests::Reply> {
    let large_before = batches_over_50(shop).await;
    let mut held = Held::article(pool, "A").await;
    let first = order_of(&[("A", 1)], "10115");
    let (first, replies, ()) =
        tokio::join!(shop.place(&first), all(orders.iter().map(|order| shop.place(order))), async {
            held.is_wanted().await;
            has_read(service, orders.len() + 1).await;
            held.release().await;
        });
    assert_eq!(first.expect("there is an answer").status, StatusCode::CREATED);
    assert!(batches_over_50(shop).await > large_before, "they were not decided together");
    replies
}

async fn batches_over_50(shop: &Shop) -> f64 {
    let counter = async |series| shop.counter(&shop.orders, series).await.expect("metrics");
    counter("commit_batch_requests_count").await - counter("commit_batch_requests_bucket{le=\"50\"}").await
}
