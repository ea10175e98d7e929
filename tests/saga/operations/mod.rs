//! What an operator does about events: looks, rehearses, replays, holds back, gives up, announces again.

mod dead_letters;
mod frozen;
mod giving_up;
mod keyed;
mod pauses;
mod poisoned;
mod recovery;
mod refusals;
mod repeated;
mod republished;
mod upgraded;

use anyhow::{Context, Result};
use http::StatusCode;
use reqwest::Client;
use serde_json::{Value, json};
use tests::{Env, PATIENCE, Pair, Reply, Shop, eventually, eventually_is, order_of};

const SKU: &str = "ART";

/// Somebody who looks after one of the two services.
pub struct Operator {
    http: Client,
    at: String,
}

impl Operator {
    pub fn of(service: &tests::Service) -> Self {
        Self { http: Client::new(), at: service.url() }
    }

    pub async fn get(&self, path: &str) -> Value {
        let reply = Reply::to(self.http.get(format!("{}{path}", self.at))).await.expect("an answer");
        reply.require(StatusCode::OK).expect("it is there")
    }

    pub async fn asks(&self, path: &str, body: &Value) -> Reply {
        Reply::to(self.http.post(format!("{}{path}", self.at)).json(body)).await.expect("an answer")
    }

    /// Does something that has to be granted.
    pub async fn does(&self, path: &str, body: &Value) -> Value {
        let reply = self.asks(path, body).await;
        assert!(reply.status.is_success(), "{path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// Holds something back, and says which pause that is.
    pub async fn pauses(&self, what: &str, name: &str, for_s: i64) -> String {
        let pause = json!({ "what": what, "name": name, "reason": "to see what happens", "for_s": for_s });
        let pause = self.does("/pauses", &pause).await;
        assert_eq!((&pause["owner"], &pause["in_force"]), (&json!("anonymous"), &json!(true)));
        pause["id"].as_str().expect("an id").to_owned()
    }

    pub async fn ends_pause(&self, id: &str) {
        let ended = self.does(&format!("/pauses/{id}/end"), &json!({ "reason": "seen enough" })).await;
        assert_eq!((&ended["ended_by"], &ended["in_force"]), (&json!("anonymous"), &json!(false)));
    }

    /// The parked events in this state.
    pub async fn parked(&self, state: &str) -> Vec<Value> {
        self.get(&format!("/parked-events?state={state}&limit=100")).await["items"].as_array().expect("a list").clone()
    }

    /// Waits until the only parked event that waits has this cause, and shows it.
    pub async fn sees_parked(&self, cause: &str) -> Value {
        eventually("an event is parked", PATIENCE, async || match &self.parked("waiting").await[..] {
            [one] if one["cause"] == cause => Ok(one.clone()),
            others => Err(format!("{others:?}")),
        })
        .await
    }

    /// Starts a replay, and waits until it has come to its end.
    pub async fn starts(&self, replay: &Value) -> Value {
        let path = format!("/replays/{}", replay["id"].as_str().expect("an id"));
        self.does(&format!("{path}/start"), &json!({ "reason": "it is mended" })).await;
        eventually("the replay ends", PATIENCE, async || {
            let replay = self.get(&path).await;
            if replay["ended_at"].is_string() { Ok(replay) } else { Err(replay.to_string()) }
        })
        .await
    }
}

/// A pair with something to sell and somewhere to bring it.
pub async fn pair(name: &str) -> (Pair, Shop) {
    let pair = Pair::start(Env::new(name).await).await;
    let shop = pair.shop();
    shop.sells(SKU, 5_000).await.expect("pieces");
    shop.serves("harbour", "2", 100_000).await.expect("a zone");
    (pair, shop)
}

/// An order for one piece, for this recipient.
pub fn order_for(recipient: &str) -> Value {
    let mut order = order_of(&[(SKU, 1)], "20457");
    order["delivery_address"]["recipient"] = json!(recipient);
    order
}

pub async fn places(shop: &Shop, order: &Value) -> String {
    shop.place(order).await.expect("an answer").require(StatusCode::CREATED).expect("placed")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

pub async fn status_of(shop: &Shop, order_id: &str) -> Result<String> {
    Ok(shop.order(order_id).await?["status"].as_str().context("a status")?.to_owned())
}

pub async fn becomes(shop: &Shop, order_id: &str, status: &str) {
    eventually_is("the order comes so far", PATIENCE, status.to_owned(), async || status_of(shop, order_id).await)
        .await;
}

/// Waits until everything that this service has announced has gone out.
pub async fn all_is_sent(pool: &sqlx::PgPool) {
    eventually_is("the outbox is empty", PATIENCE, 0_i64, async || {
        Ok(sqlx::query_scalar("select count(*) from outbox").fetch_one(pool).await?)
    })
    .await;
}

/// The actions of operators, oldest first.
pub async fn actions(pool: &sqlx::PgPool) -> Vec<String> {
    let actions = sqlx::query_scalar("select action from operator_actions order by id").fetch_all(pool).await;
    actions.expect("the table can be read")
}
