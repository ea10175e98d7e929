//! Processes that die, a broker and a database that go away: nothing that was answered with a 201 is lost, and in the end all the
//! books are right.

mod down;
mod insistence;
mod kafka;
mod kills;
mod lanes;
mod postgres;
mod start;
mod stop;

use anyhow::ensure;
use sqlx::PgPool;
use tests::{Env, PATIENCE, Pair, Shop, eventually, order_of};
use tokio::sync::Mutex;

/// Held by those that have a server and a broker of their own: one such stack at a time is enough for a small machine.
pub(crate) static ALONE: Mutex<()> = Mutex::const_new(());

/// The pair with one article of which there is enough for everybody, and a zone that has room for them.
async fn open(env: Env) -> Pair {
    let pair = Pair::start(env).await;
    let shop = pair.shop();
    shop.sells("A", 1_000_000).await.expect("a million pieces");
    shop.serves("berlin", "1", 1_000_000).await.expect("Berlin is served");
    pair
}

fn order() -> serde_json::Value {
    order_of(&[("A", 1)], "10115")
}

/// How many orders have this status.
async fn with_status(orders: &PgPool, status: &str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from orders where status = $1").bind(status).fetch_one(orders).await?)
}

/// Waits until so many orders are confirmed, and no other ones are left but cancelled ones.
async fn all_confirmed(orders: &PgPool, count: i64) {
    eventually(&format!("{count} orders are confirmed"), PATIENCE * 2, async || {
        let (confirmed, completed) = (with_status(orders, "confirmed").await?, with_status(orders, "completed").await?);
        ensure!((confirmed, completed) == (count, 0), "{confirmed} confirmed, {completed} completed");
        Ok(())
    })
    .await;
}

/// Places so many orders at once, 100 on their way at a time. Every one has to be taken at the first asking.
async fn place(shop: &Shop, count: usize) -> Vec<String> {
    use futures_util::{StreamExt, stream};
    let order = order();
    let asked = stream::iter(0..count).map(|_| shop.place(&order)).buffer_unordered(100);
    let replies: Vec<_> = asked.collect().await;
    let ids = replies.into_iter().map(|reply| {
        let reply = reply.expect("there is an answer");
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.text("/id")
    });
    ids.collect()
}
