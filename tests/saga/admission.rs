//! Orders are refused before their money is held, when what piles up has reached its limit.

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use tests::{Env, PATIENCE, Reply, Shop, eventually, order_of};

/// The lock that elects the relay: whoever holds it keeps every relay of the database from sending.
const RELAYS_LOCK: i64 = 0x006f_7574_626f_7801;

async fn place(shop: &Shop) -> Reply {
    shop.place(&order_of(&[("A", 1)], "10115")).await.expect("an answer")
}

/// Waits until `/status` says so, and returns all that it says.
async fn status_is(shop: &Shop, state: &str) -> Value {
    eventually(&format!("the door is {state}"), PATIENCE, async || -> Result<Value> {
        let status = shop.get("/status").await?.require(StatusCode::OK)?;
        ensure!(status["state"] == state, "{status}");
        Ok(status)
    })
    .await
}

/// What an order changes when it is placed.
async fn traces(orders: &PgPool) -> (i64, i64, i64, i64) {
    let counted =
        "select (select count(*) from orders), (select count(*) from transfers), (select count(*) from event_log),
                          (select sum(reserved)::bigint from products)";
    sqlx::query_as(counted).fetch_one(orders).await.expect("numbers")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_taken_while_the_oldest_event_waits_too_long_to_go_out() {
    let env = Env::new("admission outbox").await;
    let orders = env.chassis_tables(env.orders_database()).await;
    let mut holder = PgConnection::connect(env.orders_database()).await.expect("a connection");
    sqlx::query("select pg_advisory_lock($1)").bind(RELAYS_LOCK).execute(&mut holder).await.expect("the lock");

    let service = env.order_service().arg("--admission-outbox-age-s=1").start().await;
    let shop = Shop::new(service.url(), "http://127.0.0.1:1");
    shop.sells("A", 100).await.expect("an article");
    assert_eq!(status_is(&shop, "accepting").await["reasons"], json!([]));
    let placed = shop.place_once("before", &order_of(&[("A", 1)], "10115")).await.expect("an answer");
    assert_eq!(placed.status, StatusCode::CREATED);

    let status = status_is(&shop, "closed").await;
    assert_eq!((&status["reasons"][0]["code"], &status["undecided_orders"]), (&json!("outbox_age"), &json!(1)));
    let before = traces(&orders).await;
    let again = shop.place_once("before", &order_of(&[("A", 1)], "10115")).await.expect("an answer");
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &placed.body), "what was placed has its answer");
    let new = shop.place_once("after", &order_of(&[("A", 1)], "10115")).await.expect("an answer");
    assert!(new.is_problem(StatusCode::SERVICE_UNAVAILABLE, "not_admitted") && new.is_not_now(), "{new:?}");
    let refused = place(&shop).await;
    assert!(refused.is_problem(StatusCode::SERVICE_UNAVAILABLE, "not_admitted"), "{:?}", refused.json());
    assert!(refused.is_not_now(), "{:?}", refused.headers);
    assert_eq!(refused.text("/reasons/0/code"), "outbox_age");
    assert_eq!(traces(&orders).await, before, "a refused order leaves no trace");
    // Whoever is in is still looked after.
    let order_id = shop.get("/orders").await.expect("an answer").text("/items/0/id");
    assert_eq!(shop.cancel(&order_id).await.expect("an answer").status, StatusCode::ACCEPTED);

    holder.close().await.expect("the lock is given back");
    status_is(&shop, "accepting").await;
    assert_eq!(place(&shop).await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_taken_while_too_many_wait_for_the_delivery_side() {
    let env = Env::new("admission undecided").await;
    let hurried = ["--admission-undecided-orders=4", "--outcome-deadline-ms=1", "--outcome-extensions=0"];
    let service = hurried.into_iter().fold(env.order_service(), tests::Launch::arg).start().await;
    let shop = Shop::new(service.url(), "http://127.0.0.1:1");
    shop.sells("A", 100).await.expect("an article");
    // What comes between two looks may exceed the limit; in the end nothing is let in any more.
    let refused = eventually("an order is refused", PATIENCE, async || {
        let reply = place(&shop).await;
        (reply.status != StatusCode::CREATED).then_some(reply).context("still let in")
    })
    .await;
    assert!(refused.is_problem(StatusCode::SERVICE_UNAVAILABLE, "not_admitted"), "{:?}", refused.json());
    assert_eq!(refused.text("/reasons/0/code"), "undecided_orders");
    // Those whose time is up are asked about; their money is still held, so the door stays closed.
    let orders = env.pool(env.orders_database());
    eventually("all are being cancelled", PATIENCE, async || -> Result<()> {
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from orders where status = 'completed'").fetch_one(&orders).await?;
        ensure!(waiting == 0, "{waiting} still wait");
        Ok(())
    })
    .await;
    assert_eq!(status_is(&shop, "closed").await["undecided_orders"], json!(5));
    let counter = "orders_not_admitted_total{reason=\"undecided_orders\"}";
    assert!(shop.counter(&shop.orders, counter).await.expect("metrics") >= 1.0);

    let deliveries = env.delivery_service().start().await;
    Shop::new(service.url(), deliveries.url()).serves("city", "10", 1_000).await.expect("a zone");
    status_is(&shop, "accepting").await;
    assert_eq!(place(&shop).await.status, StatusCode::CREATED);
}
