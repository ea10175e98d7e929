//! The connection to the database breaks at the worst moment: during COMMIT.

use http::StatusCode;
use serde_json::Value;
use tests::{COMMIT, Env, PATIENCE, Proxy, Reply, Service, Shop, Traffic, eventually, order_of};

use super::{all, number, placed, with_status};

struct Cut {
    service: Service,
    shop: Shop,
    proxy: Proxy,
    pool: sqlx::PgPool,
    // Dropped last: the service stands on it.
    _env: Env,
}

/// order-service behind a proxy, with pieces to sell.
async fn behind_a_proxy(name: &str) -> Cut {
    let env = Env::new(name).await;
    let proxy = Proxy::before(env.orders_database()).await;
    let launch = env.order_service().database(&proxy.url(env.orders_database()));
    let service = launch.arg("--request-timeout-ms=3000").start().await;
    let shop = Shop::new(service.url(), "");
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    let pool = env.pool(env.orders_database());
    Cut { service, shop, proxy, pool, _env: env }
}

fn order() -> Value {
    order_of(&[("A", 2)], "10115")
}

/// The same key again and again, until the answer is no longer "come back later".
async fn placed_at_last(shop: &Shop, key: &str) -> Reply {
    eventually("the order is placed", PATIENCE, async || {
        let reply = shop.place_once(key, &order()).await.map_err(|error| error.to_string())?;
        match reply.status {
            StatusCode::CREATED => Ok(reply),
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(reply.is_not_now(), "{reply:?}");
                Err(reply.text("/code"))
            }
            other => panic!("{other}: {reply:?}"),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_commit_goes_unanswered_is_placed_once() {
    let Cut { service, shop, proxy, pool, _env } = behind_a_proxy("answer lost").await;
    proxy.lose_answers_to(COMMIT, 1);
    let reply = shop.place_once("once", &order()).await.expect("there is an answer");
    assert_eq!((reply.status, proxy.sprung()), (StatusCode::CREATED, 1));
    assert_eq!(placed(&pool).await, 1);
    assert_eq!(number(&pool, "select reserved from products").await, 2);
    assert_eq!(shop.place_once("once", &order()).await.expect("there is an answer").body, reply.body);
    assert_eq!(placed(&pool).await, 1);
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_commit_never_arrives_is_carried_out_again() {
    let Cut { service, shop, proxy, pool, _env } = behind_a_proxy("question lost").await;
    proxy.lose_questions(COMMIT, 1);
    let reply = shop.place_once("once", &order()).await.expect("there is an answer");
    assert_eq!((reply.status, proxy.sprung()), (StatusCode::CREATED, 1));
    assert_eq!(placed(&pool).await, 1);
    assert_eq!(number(&pool, "select reserved from products").await, 2);
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_break_one_after_the_other_place_every_order_once() {
    let Cut { service, shop, proxy, pool, _env } = behind_a_proxy("many lost").await;
    let order = order();
    for (round, lose_answers) in [(1, true), (2, false), (3, true)] {
        if lose_answers {
            proxy.lose_answers_to(COMMIT, 2);
        } else {
            proxy.lose_questions(COMMIT, 2);
        }
        let replies = all((0..40).map(|_| shop.place(&order))).await;
        assert_eq!(
            with_status(&replies, 201),
            40,
            "round {round}: {:?}",
            replies.iter().find(|reply| reply.status != 201)
        );
        assert_eq!(placed(&pool).await, 40 * round);
    }
    assert!(proxy.sprung() >= 3, "only {} commits broke", proxy.sprung());
    assert_eq!(number(&pool, "select reserved from products").await, 240);
    drop(service);
}

/// The commit's outcome cannot be asked for either: the caller is told to come back, and the key tells them what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_a_clean_503_and_the_same_key_tells_it_later() {
    let Cut { service, shop, proxy, pool, _env } = behind_a_proxy("outcome unknown").await;
    for (round, lose_answer) in [(1, true), (2, false)] {
        let key = format!("round-{round}");
        let before = proxy.sprung();
        proxy.set(Traffic::IsRefused);
        if lose_answer {
            proxy.lose_answers_to(COMMIT, 1)
        } else {
            proxy.lose_questions(COMMIT, 1)
        }
        let (order, asked) = (order(), shop.clone());
        let asking = tokio::spawn(async move { asked.place_once(&key, &order).await });
        eventually(
            "the commit has broken",
            PATIENCE,
            async || {
                if proxy.sprung() > before { Ok(()) } else { Err("not yet") }
            },
        )
        .await;
        proxy.cut();
        let reply = asking.await.expect("the caller lives").expect("there is an answer");
        // 201 where another connection was quick enough to ask before it was cut.
        assert!(reply.status == StatusCode::CREATED || reply.is_not_now(), "{reply:?}");
        proxy.set(Traffic::Flows);
        placed_at_last(&shop, &format!("round-{round}")).await;
        assert_eq!(placed(&pool).await, round);
    }
    assert_eq!(number(&pool, "select reserved from products").await, 4);
    drop(service);
}
