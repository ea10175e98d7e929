//! A limit that did less work than the service would make every ratio better than it is.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use devstack::{ALL_SCOPES, Ports, Postgres, Progress, Stack, StackOptions};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::database::Database;
use super::pgbench::{Load, Until};
use super::placing;

/// How many rows of each table were written, and how many bytes the three things have that are kept as they are.
#[derive(Debug, PartialEq)]
struct Written {
    rows: BTreeMap<String, i64>,
    bytes: [i64; 3],
    reserved: i64,
}

/// What work of ours leaves in this database.
async fn written(database: &str, work: impl AsyncFnOnce() -> Result<()>) -> Result<Written> {
    let mut database = PgConnection::connect(database).await?;
    let before: i64 = sqlx::query_scalar("select pg_current_xact_id()::text::bigint").fetch_one(&mut database).await?;
    let reserved = "select coalesce(sum(reserved), 0)::bigint from products";
    let reserved_before: i64 = sqlx::query_scalar(reserved).fetch_one(&mut database).await?;
    work().await?;
    let tables = "select relname::text from pg_class
                  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = AssertSqlSafe(format!("select count(*) from {table} where xmin::text::bigint > {before}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await?;
        if count > 0 {
            rows.insert(table, count);
        }
    }
    let bytes = "
        select (select coalesce(sum(length(data)), 0) from event_log)::bigint,
               (select coalesce(sum(length(body)), 0) from idempotency_keys)::bigint,
               (select coalesce(sum(length(delivery_address::text)), 0) from orders)::bigint";
    let bytes: (i64, i64, i64) = sqlx::query_as(bytes).fetch_one(&mut database).await?;
    let reserved_after: i64 = sqlx::query_scalar(reserved).fetch_one(&mut database).await?;
    Ok(Written { rows, bytes: [bytes.0, bytes.1, bytes.2], reserved: reserved_after - reserved_before })
}

/// One order through the service, alone: nobody takes it further, and its event stays where it is.
async fn through_the_service() -> Result<Written> {
    let options = StackOptions { ports: Ports::Free, ..StackOptions::default() };
    let mut stack = Stack::start(options, &Progress::hidden()).await?;
    stack.delivery_service.kill().await?;
    stack.kafka.pause()?;
    let (http, orders) = (reqwest::Client::new(), stack.order_service.url());
    let token = stack.token("customer-123", ALL_SCOPES)?;
    for sku in ["ARTICLE-017", "ARTICLE-042"] {
        let details = json!({"name": "Article 17", "price_minor": 1999, "currency": "EUR", "weight_g": 500});
        let product = http.put(format!("{orders}/products/{sku}")).bearer_auth(&token).json(&details);
        product.send().await?.error_for_status()?;
        let receipt = http.post(format!("{orders}/products/{sku}/receipts")).json(&json!({"quantity": 10}));
        receipt.bearer_auth(&token).send().await?.error_for_status()?;
    }
    let order = json!({
        "customer_id": "customer-123", "currency": "EUR",
        "items": [{"sku": "ARTICLE-017", "quantity": 1}, {"sku": "ARTICLE-042", "quantity": 2}],
        "delivery_address": {"recipient": "Ada Lovelace", "line1": "Harbour Street 1", "city": "Hamburg",
                             "postal_code": "20457", "country": "DE"},
    });
    let place = http.post(format!("{orders}/orders")).header("idempotency-key", "0".repeat(32)).json(&order);
    let place = place.bearer_auth(&token);
    let placed = written(stack.order_database_url(), async || {
        place.send().await?.error_for_status()?;
        Ok(())
    });
    let placed = placed.await?;
    stack.kafka.resume()?;
    stack.stop().await?;
    Ok(placed)
}

/// One transaction of pgbench.
async fn through_a_script(script: &'static str, orders: u32) -> Result<Written> {
    let progress = Progress::hidden();
    let (postgres, binaries) = tokio::try_join!(Postgres::start_own(&progress), devstack::binaries(&progress))?;
    let database = Database::make(&postgres, &binaries).await?;
    let once = Load { script, orders, clients: 1, until: Until::Sent(1) };
    let placed = written(&database.url, async || once.run(&database).await.map(drop)).await?;
    database.remove(&postgres).await?;
    Ok(placed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_writes_what_the_service_writes() -> Result<()> {
    let service = through_the_service().await.context("the service")?;
    ensure!(service.rows.len() == 9, "the service has written {service:?}");

    let one = through_a_script(placing::ONE, 1).await.context("one order")?;
    assert_eq!((&one.rows, one.reserved), (&service.rows, service.reserved));
    for (limit, service) in one.bytes.into_iter().zip(service.bytes) {
        let difference = (limit - service).abs();
        ensure!(difference * 20 <= service, "{limit} bytes instead of {service}");
    }

    let hundred = through_a_script(placing::HUNDRED, 100).await.context("a hundred orders")?;
    assert_eq!((hundred.bytes, hundred.reserved), (one.bytes.map(|bytes| 100 * bytes), 100 * one.reserved));
    // What all take from is written once for all: an article once for each, a mark once for the batch.
    let times = |table: &str, rows: i64| match table {
        "products" => 100,
        "commit_marks" => 1,
        _ => 100 * rows,
    };
    let expected: BTreeMap<_, _> = one.rows.iter().map(|(table, rows)| (table.clone(), times(table, *rows))).collect();
    assert_eq!(hundred.rows, expected);
    Ok(())
}
