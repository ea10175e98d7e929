//! What a batch asks of the database, and over which connection.

use anyhow::ensure;
use futures_util::future::join_all;
use http::StatusCode;
use sqlx::PgPool;
use tests::{Env, PATIENCE, Pair, Shop, eventually, order_of};

use super::{all, number, placed, with_status};

/// Everything that has as many rows as there are orders, and what all of them are about.
const READ_FROM_END_TO_END: &str = "select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables
    where relname in ('orders', 'order_items', 'order_history', 'transfers', 'products', 'outbox', 'inbox', 'idempotency_keys',
                      'deliveries', 'delivery_history', 'slots', 'zones', 'zone_prefixes')";
const READ_BY_INDEX: &str = "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_tables";

/// The sessions of the services on this database.
async fn sessions(pool: &PgPool) -> sqlx::Result<Vec<i32>> {
    let ours = "select pid from pg_stat_activity
                where datname = current_database() and application_name in ('order-service', 'delivery-service')";
    sqlx::query_scalar(ours).fetch_all(pool).await
}

async fn have_ended(pool: &PgPool, ended: &[i32]) {
    eventually("the sessions have ended", PATIENCE, async || {
        let left: Vec<i32> = sessions(pool).await?.into_iter().filter(|pid| ended.contains(pid)).collect();
        ensure!(left.is_empty(), "{left:?} are there");
        anyhow::Ok(())
    })
    .await;
}

/// Ends them, as a server that restarts does.
async fn cut_all(pool: &PgPool) {
    let cut = sessions(pool).await.expect("the sessions");
    assert!(!cut.is_empty());
    let ended = sqlx::query("select pg_terminate_backend(pid) from unnest($1::integer[]) as pid").bind(&cut);
    ended.execute(pool).await.expect("they are ended");
    have_ended(pool, &cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_cut_between_two_batches_costs_nobody_their_answer() {
    let env = Env::new("cut between").await;
    let service = env.order_service().start().await;
    let shop = Shop::new(service.url(), "");
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    let pool = env.pool(env.orders_database());
    for round in 1..=3 {
        cut_all(&pool).await;
        let replies = all((0..10).map(async |_| shop.place(&order_of(&[("A", 1)], "10115")).await)).await;
        assert_eq!(with_status(&replies, 201), 10, "{replies:?}");
        assert_eq!(placed(&pool).await, round * 10);
    }
}

/// The plans are made when the tables are all but empty, and nobody has looked at these since.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_a_saga_reads_a_table_from_end_to_end() {
    let mut pair = Pair::start(Env::new("plans").await).await;
    let shop = pair.shop();
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    shop.serves("berlin", "1", 1_000).await.expect("Berlin is served");
    let before = scans(&mut pair).await;
    pair.orders.restart().await.expect("it is started again");
    pair.deliveries.restart().await.expect("it is started again");
    pair.orders.wait_ready(PATIENCE).await.expect("it is ready");
    pair.deliveries.wait_ready(PATIENCE).await.expect("it is ready");
    for orders in [1, 1, 1, 1, 1, 1, 50] {
        let order = order_of(&[("A", 1)], "10115");
        for reply in join_all((0..orders).map(|_| shop.place_and_wait(30, &order))).await {
            let reply = reply.expect("there is an answer");
            assert_eq!((reply.status, reply.text("/status").as_str()), (StatusCode::CREATED, "confirmed"));
        }
    }
    let after = scans(&mut pair).await;
    for (before, after) in before.into_iter().zip(after) {
        assert!(after.by_index > before.by_index + 50, "nothing has been read: {before:?}, {after:?}");
        assert_eq!(after.from_end_to_end, before.from_end_to_end, "{before:?}, {after:?}");
    }
}

#[derive(Debug)]
struct Scans {
    from_end_to_end: i64,
    by_index: i64,
}

/// What both services have done so far. They are stopped first: a session tells the last of it when it ends.
async fn scans(pair: &mut Pair) -> [Scans; 2] {
    pair.orders.terminate(PATIENCE).await.expect("it stops");
    pair.deliveries.terminate(PATIENCE).await.expect("it stops");
    let (orders, deliveries) = pair.pools();
    let of = async |pool: &PgPool| {
        have_ended(pool, &sessions(pool).await.expect("the sessions")).await;
        Scans { from_end_to_end: number(pool, READ_FROM_END_TO_END).await, by_index: number(pool, READ_BY_INDEX).await }
    };
    [of(&orders).await, of(&deliveries).await]
}
