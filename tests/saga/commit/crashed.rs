//! PostgreSQL crashes during COMMIT, and forgets that the transaction's number was ever given.

use http::StatusCode;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tests::{COMMIT, Env, PATIENCE, Proxy, Shop, Traffic, eventually, order_of};

use super::{number, placed};

/// More than any other transaction of the service has taken meanwhile.
const OTHERS: usize = 40;

async fn administrator(env: &Env) -> PgConnection {
    let url = env.postgres().await.admin_url().to_owned();
    PgConnection::connect(&url).await.expect("the administrator")
}

/// The number that the next transaction gets. Asking for it takes none.
async fn next_number(admin: &mut PgConnection) -> i64 {
    let next = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
    sqlx::query_scalar(next).fetch_one(admin).await.expect("a number")
}

/// Breaks the next COMMIT, and the server with it. Says whether the server has forgotten the number of that transaction; then it belongs to
/// somebody else, who has committed.
async fn crashes_in_the_middle(env: &Env, proxy: &Proxy, asking: impl FnOnce()) -> bool {
    let sprung = proxy.sprung();
    let lost = next_number(&mut administrator(env).await).await;
    // Nobody can ask at once what has become of it.
    proxy.set(Traffic::IsRefused);
    proxy.lose_questions(COMMIT, 1);
    asking();
    eventually(
        "the commit has broken",
        PATIENCE,
        async || {
            if proxy.sprung() > sprung { Ok(()) } else { Err("not yet") }
        },
    )
    .await;
    env.postgres().await.kill().await.expect("it is killed");
    env.postgres().await.restart(devstack::Shutdown::Fast).await.expect("it is back");
    let mut admin = administrator(env).await;
    if next_number(&mut admin).await > lost {
        return false;
    }
    for _ in 0..OTHERS {
        admin.execute("select pg_current_xact_id()").await.expect("somebody else's transaction");
    }
    let status: Option<String> = sqlx::query_scalar("select pg_xact_status(($1::bigint)::text::xid8)")
        .bind(lost)
        .fetch_one(&mut admin)
        .await
        .expect("a status");
    assert_eq!(status.as_deref(), Some("committed"), "the number belongs to somebody else now");
    true
}

async fn is_back(pool: &PgPool) {
    eventually("the database answers", PATIENCE, async || sqlx::query("select 1").execute(pool).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_transaction_the_server_has_forgotten_is_not_taken_for_somebody_elses() {
    let env = Env::apart("commit crashed").await;
    let mut admin = administrator(&env).await;
    // What is not committed must not get to the disk by itself meanwhile.
    for setting in ["alter system set wal_writer_delay = '10s'", "select pg_reload_conf()"] {
        admin.execute(setting).await.expect("it is set");
    }
    let proxy = Proxy::before(env.orders_database()).await;
    let service = env.order_service().database(&proxy.url(env.orders_database())).start().await;
    let shop = Shop::new(service.url(), "");
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    let pool = env.pool(env.orders_database());

    let mut orders = 0;
    eventually("the server has forgotten a transaction", PATIENCE, async || {
        orders += 1;
        let (asked, key) = (shop.clone(), format!("order-{orders}"));
        let (answer, answered) = tokio::sync::oneshot::channel();
        let asking = move || {
            tokio::spawn(async move { answer.send(asked.place_once(&key, &order_of(&[("A", 2)], "10115")).await) });
        };
        let forgotten = crashes_in_the_middle(&env, &proxy, asking).await;
        is_back(&pool).await;
        assert_eq!(placed(&pool).await, orders - 1, "it was not committed");
        proxy.set(Traffic::Flows);
        let reply = answered.await.expect("the customer waits").expect("there is an answer");
        if reply.status == StatusCode::SERVICE_UNAVAILABLE {
            // The server was away for longer than a batch is tried.
            assert_eq!(placed(&pool).await, orders - 1, "whoever is told to come back has none: {reply:?}");
            let again = shop.place_once(&format!("order-{orders}"), &order_of(&[("A", 2)], "10115")).await;
            assert_eq!(again.expect("there is an answer").status, StatusCode::CREATED);
            return Err("the customer was told to come back");
        }
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        assert_eq!(placed(&pool).await, orders, "whoever was told that it is placed has an order");
        if forgotten { Ok(()) } else { Err("it was on the disk") }
    })
    .await;
    assert_eq!(number(&pool, "select reserved from products").await, 2 * orders);
    drop(service);
}
