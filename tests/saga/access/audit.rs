//! What operators did stays written.

use anyhow::{Result, ensure};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use tests::{Env, Keys, Pair, Reply, order_of};

use super::{EVERYTHING, get, make_key, revoke_key};
use crate::bad_input;

async fn actions(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from operator_actions").fetch_one(pool).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operator_action_is_written_down_with_who_what_and_why() -> Result<()> {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("audit").await, &keys).await;
    let shop = pair.shop();
    let all = shop.with_token(&keys.token("all", EVERYTHING));
    bad_input::known(&pair, &all).await;
    let (orders, _) = pair.pools();
    let before = actions(&orders).await?;
    let root = shop.with_token(&keys.token("root", "operator"));
    let (key, _) = make_key(&root, "till-1", &["staff"]).await?;
    revoke_key(&root, &key).await?;
    let place = async || anyhow::Ok(all.place(&order_of(&[("LAMP", 1)], "10115")).await?.text("/id"));
    let [order, by_customer, in_the_end] = [place().await?, place().await?, place().await?];
    let cancel = async |order: &str, body: Value| {
        Reply::to(root.order_request(&format!("/orders/{order}/cancellation"), &body)).await
    };
    let cancelled = cancel(&order, json!({ "by": "operator", "reason": "it was a test" })).await?;
    ensure!(cancelled.status.is_success(), "{cancelled:?}");
    // Neither of these is an operator's action: the one changes nothing more, the other is a member of staff's, for a customer.
    cancel(&order, json!({ "by": "operator", "reason": "once more" })).await?;
    let sue = shop.with_token(&keys.token("sue", "staff"));
    ensure!(sue.cancel(&by_customer).await?.status.is_success());
    assert_eq!(actions(&orders).await? - before, 3);
    // And this one is, whatever it is said to be: the caller is nobody but an operator.
    ensure!(cancel(&in_the_end, json!({})).await?.status.is_success());

    let list = async |query: &str| {
        let url = format!("{}/operator-actions?limit=100&{query}", pair.orders.url());
        let listed = get(&root, &url).await.require(StatusCode::OK)?;
        anyhow::Ok(listed["items"].as_array().cloned().unwrap_or_default())
    };
    let listed = list("who=root").await?;
    let told: Vec<_> = listed.iter().map(|one| [&one["action"], &one["target"], &one["reason"]]).collect();
    let (key, [order, in_the_end]) = (format!("API key {key}"), [&order, &in_the_end].map(|id| format!("order {id}")));
    assert_eq!(
        told,
        [
            [&json!("cancel_order"), &json!(in_the_end), &json!("not said")],
            [&json!("cancel_order"), &json!(order), &json!("it was a test")],
            [&json!("revoke_api_key"), &json!(key), &json!("it was lost")],
            [&json!("make_api_key"), &json!(key), &json!("it was asked for")],
        ]
    );
    assert_eq!(list(&format!("target={}", order.replace(' ', "%20"))).await?.len(), 1);
    assert_eq!(list("action=revoke_api_key").await?.len(), 1);
    pair.settles().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_down_cannot_be_changed_or_removed() -> Result<()> {
    let env = Env::new("append only").await;
    let pool = env.chassis_tables(env.orders_database()).await;
    let insert =
        "insert into operator_actions values (gen_random_uuid(), now(), 'root', 'pause', 'orders', 'why', '{}')";
    sqlx::query(insert).execute(&pool).await?;
    for statement in [
        "update operator_actions set who = 'nobody'",
        "update operator_actions set who = 'nobody' where false",
        "delete from operator_actions",
        "truncate operator_actions",
        "insert into operator_actions select * from operator_actions on conflict (id) do update set who = 'nobody'",
    ] {
        let refused = sqlx::query(AssertSqlSafe(statement)).execute(&pool).await.expect_err(statement);
        ensure!(refused.to_string().contains("stays as it is"), "{statement}: {refused}");
    }
    assert_eq!(actions(&pool).await?, 1);
    Ok(())
}
