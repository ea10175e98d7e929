//! What an operator does about events: looks, rehearses, replays, holds back, gives up, announces again.

mod dead_letters;
mod frozen;
mod giving_up;
mod grouped;
mod keyed;
mod pauses;
mod poisoned;
mod recovery;
mod refusals;
mod repeated;
mod replayed;
mod republished;
mod upgraded;

use anyhow::{Context, Result};
use http::StatusCode;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use tests::{Env, PATIENCE, Pair, Reply, Shop, eventually, eventually_is, order_of};

const SKU: &str = "ART";
const COURIER: &str = "anna";

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
        self.begins(replay).await;
        self.ends(replay).await
    }

    /// Starts a replay.
    pub async fn begins(&self, replay: &Value) {
        self.does(&format!("{}/start", path_of(replay)), &json!({ "reason": "it is mended" })).await;
    }

    /// Waits until so many events of a replay are done.
    pub async fn has_done(&self, replay: &Value, many: u64) {
        eventually("some of the set is done", PATIENCE, async || {
            match self.get(&path_of(replay)).await["done"].as_u64() {
                Some(done) if done >= many => Ok(()),
                done => Err(format!("{done:?}")),
            }
        })
        .await;
    }

    /// Waits until a replay has come to its end.
    pub async fn ends(&self, replay: &Value) -> Value {
        eventually("the replay ends", PATIENCE, async || {
            let replay = self.get(&path_of(replay)).await;
            if replay["ended_at"].is_string() { Ok(replay) } else { Err(replay.to_string()) }
        })
        .await
    }

    /// Waits until so many are parked, and lets them rest: from then on nobody tries them by itself.
    pub async fn lets_rest(&self, pool: &PgPool, many: usize) {
        eventually_is("they are parked", PATIENCE, many, async || Ok(self.parked("waiting").await.len())).await;
        // What is just being tried was put off by half a minute when it was taken: its end is waited for, or it would be applied as soon as
        // what was wrong is mended.
        let rest = "update parked_events set attempts = 8, next_attempt_at = null
                    where resolved_at is null and (next_attempt_at is null or next_attempt_at < now() + interval '15 seconds')";
        let many = u64::try_from(many).expect("few");
        let resting = async || Ok(sqlx::query(rest).execute(pool).await?.rows_affected());
        eventually_is("all of them rest", PATIENCE, many, resting).await;
    }
}

fn path_of(replay: &Value) -> String {
    format!("/replays/{}", replay["id"].as_str().expect("an id"))
}

/// Loses what a service has just announced first of an order, while its topic is held back: with its pointer goes the process, and what its
/// relay may have in hand.
pub async fn loses(service: &mut tests::Service, pool: &PgPool, order: &str) {
    let unsent = async || {
        let pointers = sqlx::query_scalar("select count(*) from outbox where order_id::text = $1");
        anyhow::Ok(pointers.bind(order).fetch_one(pool).await?)
    };
    eventually_is("it is announced", PATIENCE, 1_i64, unsent).await;
    service.restart().await.expect("it starts");
    service.wait_ready(PATIENCE).await.expect("it becomes ready");
    let pointer = sqlx::query("delete from outbox where order_id::text = $1").bind(order);
    assert_eq!(pointer.execute(pool).await.expect("it is lost").rows_affected(), 1, "it was held back");
}

/// A mistake in a database: this (`insert on deliveries`) cannot be done.
pub async fn breaks(pool: &PgPool, what: &str) {
    let mistake = format!(
        "create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill'; end $$;
         create trigger ill before {what} for each row execute function ill()"
    );
    sqlx::raw_sql(AssertSqlSafe(mistake)).execute(pool).await.expect("a mistake is made");
}

pub async fn mends(pool: &PgPool) {
    sqlx::raw_sql("drop function ill cascade").execute(pool).await.expect("it is mended");
}

/// A pair with something to sell and somewhere to bring it.
pub async fn pair(name: &str) -> (Pair, Shop) {
    let pair = Pair::start(Env::new(name).await).await;
    let shop = pair.shop();
    shop.sells(SKU, 5_000).await.expect("pieces");
    shop.serves("harbour", "2", 100_000).await.expect("a zone");
    shop.employs(COURIER, 1_000).await.expect("a courier");
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

/// Staff do something with a delivery, and may.
pub async fn staff(shop: &Shop, delivery: &str, command: &str, body: Value) {
    let done = shop.staff(delivery, command, &body).await.expect("an answer");
    done.require(StatusCode::OK).expect("staff may do that");
}

/// Waits until an order has a delivery, and lets the parcel leave. Says which delivery that is.
pub async fn leaves(shop: &Shop, order_id: &str) -> String {
    let delivery = eventually("there is a delivery", PATIENCE, async || {
        let delivery = shop.delivery_of(order_id).await?.context("none yet")?;
        anyhow::Ok(delivery["id"].as_str().context("an id")?.to_owned())
    })
    .await;
    staff(shop, &delivery, "courier", json!({ "courier_id": COURIER })).await;
    staff(shop, &delivery, "dispatch", json!({})).await;
    delivery
}

/// Waits until everything that this service has announced has gone out.
pub async fn all_is_sent(pool: &PgPool) {
    eventually_is("the outbox is empty", PATIENCE, 0_i64, async || {
        Ok(sqlx::query_scalar("select count(*) from outbox").fetch_one(pool).await?)
    })
    .await;
}

/// The actions of operators, oldest first.
pub async fn actions(pool: &PgPool) -> Vec<String> {
    let actions = sqlx::query_scalar("select action from operator_actions order by id").fetch_all(pool).await;
    actions.expect("the table can be read")
}
