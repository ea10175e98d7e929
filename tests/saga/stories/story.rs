//! One story: an article, a zone and a courier of its own, in a pair of services that all stories share.

use anyhow::ensure;
use chassis::clock;
use futures_util::FutureExt;
use http::StatusCode;
use serde_json::{Value, json};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
};
use tests::{Env, PATIENCE, Pair, Reply, Shop, eventually, order_of};
use tokio::sync::OnceCell;

/// Pieces of the article at the beginning.
pub const PIECES: i64 = 10;

/// What a parcel with one piece weighs.
pub const ONE_PIECE_G: i64 = 500;

pub struct Story {
    pub shop: Shop,
    pub pair: &'static Pair,
    pub sku: String,
    pub zone: String,
    pub courier: String,
    /// An address in the zone.
    pub postal_code: String,
}

impl Story {
    /// A stage for one story: ten pieces, a zone with so many places a day, a courier for five parcels.
    pub async fn begins(places_a_day: i64) -> Self {
        static PAIR: OnceCell<Pair> = OnceCell::const_new();
        static NUMBER: AtomicU32 = AtomicU32::new(10);
        let pair = PAIR.get_or_init(async || Pair::start(Env::new("stories").await).await).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let story = Self {
            shop: pair.shop(),
            pair,
            sku: format!("SKU-{number}"),
            zone: format!("zone-{number}"),
            courier: format!("courier-{number}"),
            postal_code: format!("{number} 115"),
        };
        story.shop.sells(&story.sku, PIECES).await.expect("pieces");
        story.shop.serves(&story.zone, &number.to_string(), places_a_day).await.expect("a zone");
        story.shop.employs(&story.courier, 5).await.expect("a courier");
        story
    }

    /// So many pieces to the zone of the story.
    pub fn order(&self, pieces: u32) -> Value {
        order_of(&[(&self.sku, pieces)], &self.postal_code)
    }

    /// The next days with room for one piece, at most so many.
    pub async fn quoted(&self, limit: usize) -> Vec<Value> {
        let quote = self.shop.options(&self.postal_code, ONE_PIECE_G, limit).await.expect("there is an answer");
        assert_eq!((&quote["zone"], &quote["reason"]), (&json!(self.zone), &json!(null)), "{quote}");
        quote["options"].as_array().expect("a list").clone()
    }

    /// The same order, for this day.
    pub fn order_for(&self, pieces: u32, slot: &Value) -> Value {
        let mut order = self.order(pieces);
        order["slot"] = slot["date"].clone();
        order
    }

    /// Places an order. Answers with its id.
    pub async fn places(&self, order: &Value) -> String {
        let placed = self.shop.place(order).await.expect("there is an answer");
        let order = placed.require(StatusCode::CREATED).expect("the order is placed");
        assert_eq!(
            (&order["status"], &order["payment"], &order["stock"]),
            (&json!("completed"), &json!("held"), &json!("reserved"))
        );
        text(&order["id"])
    }

    /// Places an order of so many pieces and waits until it is confirmed. Answers with its id and its delivery's.
    pub async fn confirmed(&self, pieces: u32) -> (String, String) {
        let id = self.places(&self.order(pieces)).await;
        let order = self.becomes(&id, "confirmed").await;
        (id, text(&order["delivery"]["id"]))
    }

    /// The same, and the courier has picked it up.
    pub async fn dispatched(&self, pieces: u32) -> (String, String) {
        let (order, delivery) = self.confirmed(pieces).await;
        self.staff(&delivery, "courier", json!({ "courier_id": self.courier })).await;
        self.staff(&delivery, "dispatch", json!({})).await;
        self.becomes(&order, "in_delivery").await;
        (order, delivery)
    }

    /// Staff do something, and may.
    pub async fn staff(&self, delivery: &str, command: &str, body: Value) -> Value {
        let done = self.shop.staff(delivery, command, &body).await.expect("there is an answer");
        done.require(StatusCode::OK).expect("staff may do that")
    }

    pub async fn cancels(&self, order: &str) -> Reply {
        self.shop.cancel(order).await.expect("there is an answer")
    }

    /// Waits until the order has this status, and answers with it.
    pub async fn becomes(&self, order: &str, status: &str) -> Value {
        eventually(&format!("order {order} is {status}"), PATIENCE, async || {
            let order = self.shop.order(order).await?;
            ensure!(order["status"] == status, "{order}");
            Ok(order)
        })
        .await
    }

    /// The delivery of an order as it is now.
    pub async fn delivery_of(&self, order: &str) -> Value {
        self.shop.delivery_of(order).await.expect("there is an answer").expect("there is a delivery")
    }

    /// What is reserved, shipped, written off and on the shelf of the story's article.
    pub async fn pieces(&self) -> [i64; 4] {
        let product = self.shop.product(&self.sku).await.expect("the article");
        ["reserved", "shipped", "written_off", "on_hand"].map(|name| product[name].as_i64().expect("a number"))
    }

    /// How many parcels the courier carries.
    pub async fn load(&self) -> Value {
        self.shop.courier(&self.courier).await.expect("the courier")["load"].clone()
    }

    /// What moved of an order's money: kinds in the order in which they happened, each of the whole amount.
    pub async fn money(&self, order: &str) -> Vec<String> {
        let (pool, _) = self.pair.pools();
        let moved = "select kind from transfers join orders on orders.id = order_id
                     where order_id::text = $1 and amount_minor = total_minor order by at, kind desc";
        sqlx::query_scalar(moved).bind(order).fetch_all(&pool).await.expect("the ledger")
    }
}

/// Tells a story in which days are named. One that goes wrong over midnight (UTC), when tomorrow becomes today, is told once more.
pub async fn on_one_day(tell: impl AsyncFn()) {
    let day = clock::now().date_naive();
    if let Err(panic) = AssertUnwindSafe(tell()).catch_unwind().await {
        if clock::now().date_naive() == day {
            resume_unwind(panic);
        }
        tell().await;
    }
}

/// The statuses that an order or a delivery went through.
pub fn went_through(it: &Value) -> Vec<String> {
    let transitions = it["transitions"].as_array().into_iter().flatten();
    transitions.map(|transition| text(&transition["status"])).collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
