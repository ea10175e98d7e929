//! Group commit: many callers share a transaction, and each is served as if they had been alone.

mod contention;
mod crashed;
mod cut;
mod gone;
mod held;
mod idempotency;
mod statements;
mod waiting;

use futures_util::future::join_all;
use sqlx::PgPool;
use tests::{Env, Reply, Service, Shop};

/// Two instances of order-service on one database, each with a client that asks it.
async fn two_instances(env: &Env) -> [(Service, Shop); 2] {
    let (one, two) = tokio::join!(env.order_service().start(), env.order_service().instance("order-service-2").start());
    [one, two].map(|service| {
        let shop = Shop::new(service.url(), "");
        (service, shop)
    })
}

/// All of them at once; every one is answered.
async fn all(asked: impl IntoIterator<Item = impl Future<Output = reqwest::Result<Reply>>>) -> Vec<Reply> {
    let replies: Result<Vec<_>, _> = join_all(asked).await.into_iter().collect();
    replies.expect("everybody gets an answer")
}

/// How many of these have this status.
fn with_status(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

/// A single number that the database knows.
async fn number(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.expect("the database answers")
}

/// Orders, holds and first events: the same number of each, or something was saved by halves.
async fn placed(pool: &PgPool) -> i64 {
    let orders = number(pool, "select count(*) from orders").await;
    assert_eq!(orders, number(pool, "select count(*) from transfers where kind = 'hold'").await, "orders and holds");
    assert_eq!(orders, number(pool, "select count(*) from event_log where version = 1").await, "orders and events");
    assert_eq!(orders, number(pool, "select count(distinct order_id) from order_items").await, "orders and items");
    orders
}

/// What a service has logged so far.
fn log_of(service: &Service) -> String {
    std::fs::read_to_string(service.log_path()).expect("there is a log")
}
