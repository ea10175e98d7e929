//! Who may do what, and who is let in at all.

mod api_keys;
mod audit;
mod foreign;
mod forged;
mod keys;
mod scopes;

use anyhow::{Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Reply, Shop};

/// All that anybody may do.
const EVERYTHING: &str = "customer courier staff operator";

/// What this address answers.
async fn get(shop: &Shop, url: &str) -> Reply {
    Reply::to(shop.request(Method::GET, url)).await.expect("there is an answer")
}

/// Makes an API key of this subject, and answers with its id and what its owner gets.
async fn make_key(operator: &Shop, subject: &str, scopes: &[&str]) -> Result<(String, String)> {
    let wanted = json!({ "name": "a till", "subject": subject, "scopes": scopes, "valid_days": 1, "reason": "it was asked for" });
    let made = Reply::to(operator.order_request("/api-keys", &wanted)).await?;
    let made = made.require(StatusCode::CREATED)?;
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    ensure!(!text("key").is_empty(), "{made}");
    Ok((text("id"), text("key")))
}

/// Ends an API key at the instance of this shop.
async fn revoke_key(operator: &Shop, id: &str) -> Result<Value> {
    let why = json!({ "reason": "it was lost" });
    let revoke = operator.request(Method::DELETE, &format!("{}/api-keys/{id}", operator.orders)).json(&why);
    Reply::to(revoke).await?.require(StatusCode::OK)
}

/// Whether somebody was refused as everybody is whose credentials are none: with a code, a challenge, and no word about what was wrong.
fn is_refused(reply: &Reply, reason: &str) -> bool {
    reply.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated")
        && reply.header("www-authenticate").starts_with("Bearer")
        && reply.text("/reason") == reason
}
