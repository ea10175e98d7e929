//! Whatever is sent to either service: it is answered with a problem document that says what is wrong, and changes nothing.

mod addresses;
mod bodies;
mod case;
mod fields;
mod lists;
mod protocol;
mod quotes;
mod raw;
pub mod snapshot;

use anyhow::Context;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::json;
use tests::{Env, PATIENCE, Pair, Reply, Shop, eventually, order_of};

pub use case::{Known, Side, writes};

use raw::Raw;

const MEGABYTES: usize = 100;
/// How many bad requests are on their way at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_gets_a_problem_document_and_changes_nothing() {
    let pair = Pair::start(Env::new("bad input").await).await;
    let known = known(&pair, &pair.shop()).await;
    let (orders, deliveries) = pair.pools();
    let before = [snapshot::of(&orders).await, snapshot::of(&deliveries).await];

    let of_known = [bodies::cases(&known), fields::cases(&known), addresses::cases(&known)].concat();
    let cases = [of_known, lists::cases(), quotes::cases()].concat();
    assert!(cases.len() > 1_000, "only {} cases", cases.len());
    let addresses = [pair.orders.url(), pair.deliveries.url()].map(|url| url.replace("http://", ""));
    let judged =
        stream::iter(&cases).map(|case| case.complaint(address_of(&addresses, case.side))).buffer_unordered(AT_ONCE);
    let mut complaints: Vec<_> = judged.filter_map(async |complaint| complaint).collect().await;
    for address in &addresses {
        complaints.extend(protocol::complaints(address).await);
    }
    complaints.extend(too_large(&known, &addresses).await);

    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
    assert_eq!(before, [snapshot::of(&orders).await, snapshot::of(&deliveries).await]);
    pair.settles().await;
}

/// Something of everything, so that there is something to change: an order whose delivery is scheduled, with a courier. Made by whoever
/// this shop belongs to.
pub async fn known(pair: &Pair, shop: &Shop) -> Known {
    shop.sells("LAMP", 5).await.expect("the lamp is on the shelf");
    shop.serves("berlin", "1", 10).await.expect("Berlin is served");
    shop.employs("max", 5).await.expect("Max works");
    let placed = shop.place_and_wait(30, &order_of(&[("LAMP", 1)], "10115")).await.expect("there is an answer");
    assert_eq!(placed.text("/status"), "confirmed");
    let order = placed.text("/id");
    let delivery = shop.delivery_of(&order).await.expect("there is an answer").expect("there is a delivery");
    let delivery = delivery["id"].as_str().expect("it has an id").to_owned();
    let assigned = shop.staff(&delivery, "courier", &json!({ "courier_id": "max" })).await.expect("there is an answer");
    assigned.require(StatusCode::OK).expect("Max takes it");
    let (orders, deliveries) = pair.pools();
    eventually("nothing is on its way any more", PATIENCE, async || {
        let under_way = tests::books::under_way(&orders, &deliveries).await?;
        under_way.is_empty().then_some(()).with_context(|| format!("{under_way:?}"))
    })
    .await;
    let api_key = api_key(shop).await;
    let name = str::to_owned;
    Known { order, delivery, sku: name("LAMP"), zone: name("berlin"), courier: name("max"), api_key }
}

async fn api_key(shop: &Shop) -> String {
    let wanted =
        json!({ "name": "till", "subject": "till-1", "scopes": ["staff"], "valid_days": 1, "reason": "a till" });
    let made = Reply::to(shop.order_request("/api-keys", &wanted)).await;
    let made = made.expect("there is an answer");
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.text("/id")
}

/// 100 MB to every route that takes a body: refused, and the client gets to know why.
async fn too_large(known: &Known, addresses: &[String; 2]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (side, method, path, _) in writes(known) {
        let raw = Raw::new(method, &path).header("content-type", "application/json");
        match raw.send_megabytes(address_of(addresses, side), MEGABYTES).await {
            Ok(reply) if reply.status == 413 && reply.problem().as_deref() == Some("body_too_large") => {}
            other => complaints.push(format!("{method} {path} with {MEGABYTES} MB: {other:?}")),
        }
    }
    complaints
}

pub fn address_of(addresses: &[String; 2], side: Side) -> &str {
    match side {
        Side::Orders => &addresses[0],
        Side::Deliveries => &addresses[1],
    }
}
