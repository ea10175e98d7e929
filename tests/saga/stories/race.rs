//! A cancellation and a dispatch at the same moment: one of them is first, and everybody agrees which.

use std::collections::BTreeMap;

use anyhow::ensure;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use tests::{Env, PATIENCE, Pair, Shop, eventually, order_of};
use uuid::Uuid;

use super::story::text;

/// How far the cancellation gets before the courier picks the parcel up.
#[derive(Clone, Copy, Debug)]
enum HeadStart {
    /// Both at once.
    None,
    /// The customer has been told that it is being cancelled.
    Accepted,
    /// The news is on its way to the delivery side.
    Sent,
    /// The delivery side has read it.
    Read,
}

const HEAD_STARTS: [HeadStart; 4] = [HeadStart::None, HeadStart::Accepted, HeadStart::Sent, HeadStart::Read];
const RACES_PER_ROUND: usize = 48;
const ROUNDS: usize = 4;

struct Race<'a> {
    shop: &'a Shop,
    orders: &'a PgPool,
    deliveries: &'a PgPool,
    order: String,
    delivery: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn when_cancellation_and_dispatch_race_one_of_them_wins_everywhere() {
    let pair = Pair::start(Env::new("race").await).await;
    let (shop, (orders, deliveries)) = (pair.shop(), pair.pools());
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    shop.serves("berlin", "1", 1_000).await.expect("Berlin is served");
    shop.employs("max", 1_000).await.expect("Max works");

    let mut won: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let ids = join_all((0..RACES_PER_ROUND).map(|_| ready_to_go(&shop))).await;
        let races = ids.into_iter().zip(HEAD_STARTS.iter().cycle()).map(|((order, delivery), head_start)| {
            let race = Race { shop: &shop, orders: &orders, deliveries: &deliveries, order, delivery };
            async move { race.run(*head_start).await }
        });
        for outcome in join_all(races).await {
            *won.entry(outcome).or_default() += 1;
        }
    }
    assert_eq!(won.values().sum::<usize>(), ROUNDS * RACES_PER_ROUND);
    // The ones whose cancellation was read first; whoever is not among them was dispatched, or it was a real race.
    assert!(won["cancelled"] >= ROUNDS * RACES_PER_ROUND / HEAD_STARTS.len(), "{won:?}");
    assert!(won["in_delivery"] > 0, "{won:?}");
    pair.settles().await;
    everybody_arrives(&shop, &deliveries).await;
    pair.settles().await;
}

/// A confirmed order whose parcel Max has been given. Answers with its id and its delivery's.
async fn ready_to_go(shop: &Shop) -> (String, String) {
    let placed = shop.place_and_wait(30, &order_of(&[("A", 1)], "10115")).await.expect("there is an answer");
    assert_eq!(placed.text("/status"), "confirmed");
    let delivery = placed.text("/delivery/id");
    let given = shop.staff(&delivery, "courier", &json!({ "courier_id": "max" })).await.expect("there is an answer");
    given.require(StatusCode::OK).expect("Max takes it");
    (placed.text("/id"), delivery)
}

impl Race<'_> {
    /// Runs it to its end. Answers with what became of the order.
    async fn run(self, head_start: HeadStart) -> String {
        let dispatch = async {
            self.head_start(head_start).await;
            self.shop.staff(&self.delivery, "dispatch", &json!({})).await.expect("there is an answer")
        };
        let (cancelled, dispatched) = match head_start {
            HeadStart::None => tokio::join!(self.shop.cancel(&self.order), dispatch),
            HeadStart::Accepted | HeadStart::Sent | HeadStart::Read => {
                let cancelled = self.shop.cancel(&self.order).await;
                (cancelled, dispatch.await)
            }
        };
        let cancelled = cancelled.expect("there is an answer");
        let order = self.rest().await;
        let status = text(&order["status"]);
        match (cancelled.status, dispatched.status) {
            (StatusCode::ACCEPTED, StatusCode::OK) => {
                assert_eq!((status.as_str(), &order["payment"]), ("in_delivery", &json!("captured")));
                assert_eq!(order["cancellation"], json!({ "reason": "customer", "rejected": true }));
            }
            (StatusCode::ACCEPTED, StatusCode::CONFLICT) => {
                assert_eq!((status.as_str(), &order["payment"]), ("cancelled", &json!("refunded")));
                assert_eq!(order["cancellation"], json!({ "reason": "customer", "rejected": false }));
            }
            (StatusCode::CONFLICT, StatusCode::OK) => {
                assert_eq!((status.as_str(), &order["cancellation"]), ("in_delivery", &json!(null)));
            }
            both => panic!("{both:?} for {order}"),
        }
        status
    }

    async fn head_start(&self, head_start: HeadStart) {
        let (pool, query) = match head_start {
            HeadStart::None | HeadStart::Accepted => return,
            HeadStart::Sent => (self.orders, "select not exists (select from outbox where order_id = $1)"),
            HeadStart::Read => (self.deliveries, "select exists (select from inbox where order_id = $1 and seen = 2)"),
        };
        eventually(&format!("{head_start:?}"), PATIENCE, async || {
            let order = self.order.parse::<Uuid>()?;
            let is_so: bool = sqlx::query_scalar(query).bind(order).fetch_one(pool).await?;
            ensure!(is_so, "not yet");
            Ok(())
        })
        .await;
    }

    /// Waits until the order waits for nobody.
    async fn rest(&self) -> serde_json::Value {
        eventually("the race is decided", PATIENCE, async || {
            let order = self.shop.order(&self.order).await?;
            ensure!(order["status"] == "in_delivery" || order["status"] == "cancelled", "{order}");
            Ok(order)
        })
        .await
    }
}

/// Each parcel that left ends in another way, so that the books have something of everything.
async fn everybody_arrives(shop: &Shop, deliveries: &PgPool) {
    let left = "select id::text from deliveries where status = 'dispatched' order by id";
    let left: Vec<String> = sqlx::query_scalar(left).fetch_all(deliveries).await.expect("the deliveries");
    let ends = [
        ("completion", json!({ "received_by": "Ada" })),
        ("failure", json!({ "reason": "lost" })),
        ("failure", json!({ "reason": "damaged" })),
        ("failure", json!({ "reason": "refused_by_recipient" })),
    ];
    let ended =
        join_all(left.iter().zip(ends.iter().cycle()).map(|(id, (command, body))| shop.staff(id, command, body))).await;
    assert!(ended.into_iter().all(|reply| reply.is_ok_and(|reply| reply.status == StatusCode::OK)));
    let carried = shop.courier("max").await.expect("Max");
    assert_eq!(carried["load"], json!(0));
}
