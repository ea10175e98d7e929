//! API keys: made, shown once, used for what they are for, and of no use the moment they are revoked.

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::json;
use tests::{Env, Keys, PATIENCE, Proxy, Reply, Service, Shop, Traffic, eventually, eventually_is};

use super::{get, is_refused, make_key, revoke_key};

/// Answered from memory, whatever the database does, to staff.
const STATUS: &str = "/status";

/// Two instances, the second of them with its database behind a proxy.
async fn two_instances(env: &Env, keys: &Keys) -> (Service, Service, Proxy) {
    let proxy = Proxy::before(env.orders_database()).await;
    let first = env.order_service().guarded(&keys.flags()).start().await;
    let second = env.order_service().guarded(&keys.flags()).instance("order-service-2");
    let second = second.database(&proxy.url(env.orders_database())).start().await;
    (first, second, proxy)
}

fn operator(service: &Service, keys: &Keys) -> Shop {
    Shop::new(service.url(), String::new()).with_token(&keys.token("root", "operator"))
}

async fn status(service: &Service, key: &str) -> Reply {
    get(&Shop::new(service.url(), String::new()).with_token(key), &format!("{}{STATUS}", service.url())).await
}

async fn lookups(service: &Service) -> Result<f64> {
    Shop::new(service.url(), String::new()).counter(&service.url(), "access_keys_looked_up_total").await
}

/// What stands behind `key_`, 32 digits and a `_`: there may be further ones in it.
fn secret_of(key: &str) -> &str {
    &key["key__".len() + 32..]
}

/// Waits until a key opens without a look into the database.
async fn is_remembered(service: &Service, key: &str) {
    eventually("it is remembered", PATIENCE, async || {
        let before = lookups(service).await?;
        ensure!(status(service, key).await.status == StatusCode::OK && lookups(service).await? <= before, "looked up");
        anyhow::Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_kept_as_a_digest_and_opens_what_it_is_for() -> Result<()> {
    let (env, keys) = (Env::new("api keys").await, Keys::fresh());
    let service = env.order_service().guarded(&keys.flags()).start().await;
    let operator = operator(&service, &keys);
    let (id, key) = make_key(&operator, "ada", &["customer"]).await?;
    let ada = operator.with_token(&key);
    let orders = get(&ada, &format!("{}/orders", service.url())).await;
    assert_eq!(orders.status, StatusCode::OK, "{orders:?}");
    ensure!(get(&ada, &format!("{}{STATUS}", service.url())).await.is_problem(StatusCode::FORBIDDEN, "forbidden"));

    let pool = env.pool(env.orders_database());
    let kept: String =
        sqlx::query_scalar("select string_agg(line::text, ' ') from api_keys as line").fetch_one(&pool).await?;
    let written: String =
        sqlx::query_scalar("select string_agg(line::text, ' ') from operator_actions as line").fetch_one(&pool).await?;
    let secret = secret_of(&key);
    let listed = get(&operator, &format!("{}/api-keys", service.url())).await;
    ensure!(listed.text("/items/0/id") == id && listed.text("/items/0/created_by") == "root", "{listed:?}");
    let log = std::fs::read_to_string(service.log_path())?;
    for text in [kept, written, String::from_utf8_lossy(&listed.body).into_owned(), log] {
        ensure!(!text.contains(secret) && !text.contains(&key), "the secret stands in {text}");
    }

    let wrong = [
        key.replace(secret, &"A".repeat(secret.len())),
        key[..key.len() - 1].to_owned(),
        format!("{key}A"),
        key.to_uppercase(),
        format!("key_{}_{secret}", "0".repeat(32)),
        "key_".to_owned(),
    ];
    for key in wrong {
        ensure!(is_refused(&status(&service, &key).await, "invalid"), "{key}");
    }
    // Its time passes.
    sqlx::query("update api_keys set created_at = now() - interval '2 days', expires_at = now() - interval '1 day'")
        .execute(&pool)
        .await?;
    sqlx::query("select pg_notify('api_keys', '')").execute(&pool).await?;
    eventually_is("the key has expired", PATIENCE, StatusCode::UNAUTHORIZED, async || {
        Ok(get(&ada, &format!("{}/orders", service.url())).await.status)
    })
    .await;
    let again = operator.request(Method::POST, &format!("{}/api-keys", service.url())).header("idempotency-key", "k");
    let wanted = json!({ "name": "x", "subject": "x", "scopes": ["staff"], "valid_days": 1, "reason": "x" });
    let again = Reply::to(again.json(&wanted)).await?;
    ensure!(again.is_problem(StatusCode::BAD_REQUEST, "idempotency_key_not_taken"), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_at_one_instance_is_refused_by_the_other() -> Result<()> {
    let (env, keys) = (Env::new("revoked").await, Keys::fresh());
    let (first, second, _proxy) = two_instances(&env, &keys).await;
    let operator = operator(&first, &keys);
    let (id, key) = make_key(&operator, "till-1", &["staff"]).await?;
    // Made here, it is known there: at the latest when the other one has heard of it.
    for service in [&first, &second] {
        eventually_is("it opens", PATIENCE, StatusCode::OK, async || Ok(status(service, &key).await.status)).await;
    }
    // From now on nobody looks into the database: it is known from memory.
    is_remembered(&second, &key).await;
    let revoked = revoke_key(&operator, &id).await?;
    ensure!(is_refused(&status(&first, &key).await, "invalid"), "where it was revoked it is refused at once");
    eventually("it is refused", PATIENCE, async || {
        let reply = status(&second, &key).await;
        ensure!(is_refused(&reply, "invalid"), "{reply:?}");
        anyhow::Ok(())
    })
    .await;
    // Once more it is the same, and nothing more is done.
    assert_eq!(revoke_key(&operator, &id).await?, revoked);
    let actions: i64 =
        sqlx::query_scalar("select count(*) from operator_actions").fetch_one(&env.pool(env.orders_database())).await?;
    assert_eq!(actions, 2, "made, and revoked");
    Ok(())
}

/// An instance that is never told of anything: each time it would begin to listen, its connection is cut.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_hear_of_a_revocation_looks_each_time() -> Result<()> {
    let (env, keys) = (Env::new("deaf").await, Keys::fresh());
    let proxy = Proxy::before(env.orders_database()).await;
    proxy.lose_questions(b"LISTEN \"api_keys\"", usize::MAX);
    let first = env.order_service().guarded(&keys.flags()).start().await;
    let second = env.order_service().guarded(&keys.flags()).instance("order-service-2");
    let second = second.database(&proxy.url(env.orders_database())).start().await;
    let operator = operator(&first, &keys);
    for _ in 0..5 {
        let (id, key) = make_key(&operator, "till-1", &["staff"]).await?;
        assert_eq!(status(&second, &key).await.status, StatusCode::OK, "it is found where it is looked for");
        revoke_key(&operator, &id).await?;
        let reply = status(&second, &key).await;
        ensure!(is_refused(&reply, "invalid"), "{reply:?}");
    }
    ensure!(lookups(&second).await? >= 10.0, "it looked each time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_cut_off_accepts_no_key_that_it_cannot_be_sure_of() -> Result<()> {
    let (env, keys) = (Env::new("cut off").await, Keys::fresh());
    let (first, second, proxy) = two_instances(&env, &keys).await;
    let operator = operator(&first, &keys);
    let (id, key) = make_key(&operator, "till-1", &["staff"]).await?;
    eventually_is("it opens", PATIENCE, StatusCode::OK, async || Ok(status(&second, &key).await.status)).await;
    // The network is gone without a word, and then the key is revoked.
    proxy.set(Traffic::Vanishes);
    revoke_key(&operator, &id).await?;
    let cannot_tell = async || {
        let reply = status(&second, &key).await;
        ensure!(reply.is_not_now(), "{reply:?}");
        anyhow::Ok(())
    };
    eventually("it is not accepted", PATIENCE, cannot_tell).await;
    cannot_tell().await.context("and stays so")?;
    proxy.set(Traffic::Flows);
    proxy.cut();
    eventually("it is refused", PATIENCE, async || {
        let reply = status(&second, &key).await;
        ensure!(reply.status != StatusCode::OK, "it is accepted");
        ensure!(is_refused(&reply, "invalid"), "{reply:?}");
        anyhow::Ok(())
    })
    .await;
    // Tokens need no database.
    let staff = Shop::new(second.url(), String::new()).with_token(&keys.token("sue", "staff"));
    assert_eq!(get(&staff, &format!("{}{STATUS}", second.url())).await.status, StatusCode::OK);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_has_cost_the_database_nothing() -> Result<()> {
    let (env, keys) = (Env::new("unknown keys").await, Keys::fresh());
    let service = env.order_service().guarded(&keys.flags()).start().await;
    let root = operator(&service, &keys);
    // Whatever becomes of keys, and whoever hears of it first, in the end all of them are known again.
    for _ in 0..10 {
        let (id, good) = make_key(&root, "till-1", &["staff"]).await?;
        is_remembered(&service, &good).await;
        revoke_key(&root, &id).await?;
    }
    let (_, good) = make_key(&root, "till-1", &["staff"]).await?;
    let secret = secret_of(&good);
    eventually("so many of them are refused from memory", PATIENCE, async || {
        let before = lookups(&service).await?;
        for _ in 0..100 {
            let unknown = format!("key_{}_{secret}", uuid::Uuid::new_v4().simple());
            let reply = status(&service, &unknown).await;
            assert!(is_refused(&reply, "invalid"), "{reply:?}");
        }
        ensure!(lookups(&service).await? <= before, "some were looked up");
        anyhow::Ok(())
    })
    .await;
    Ok(())
}
