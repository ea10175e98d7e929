//! What is read: tagged, not sent again where nothing has changed, and compressed where that pays.

use std::io::Read;

use anyhow::ensure;
use flate2::read::GzDecoder;
use http::StatusCode;
use reqwest::Client;
use serde_json::json;
use tests::{Env, PATIENCE, Pair, Proxy, Reply, Traffic, eventually, order_of};

/// `GET` with one header.
async fn get(url: &str, name: &str, value: &str) -> Reply {
    Reply::to(Client::new().get(url).header(name, value)).await.expect("there is an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again_and_what_has_is_under_another_tag() {
    let pair = Pair::start(Env::new("tags").await).await;
    let second = pair.env.order_service().instance("order-service-2").start().await;
    let shop = pair.shop();
    shop.sells("A", 10).await.expect("10 pieces");
    shop.employs("max", 3).await.expect("Max works");
    // Nobody serves the address, so that the order changes once more.
    let placed = shop.place_and_wait(30, &order_of(&[("A", 1)], "99999")).await.expect("there is an answer");
    assert_eq!(placed.text("/status"), "cancelled");
    assert_eq!((placed.header("etag"), placed.header("cache-control")), ("", "no-store"));

    let order = format!("{}/orders/{}", pair.orders.url(), placed.text("/id"));
    let first = get(&order, "accept", "*/*").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && first.header("cache-control") == "private, no-cache", "{first:?}");
    for url in [order.clone(), order.replace(&pair.orders.url(), &second.url())] {
        let list = format!("\"another\", {tag}");
        for asked in [tag.as_str(), tag.trim_start_matches("W/"), list.as_str(), "*"] {
            let same = get(&url, "if-none-match", asked).await;
            assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0), "{asked}: {same:?}");
            assert_eq!((same.header("etag"), same.header("vary")), (tag.as_str(), "accept-encoding"), "{asked}");
            assert_eq!(same.header("cache-control"), "private, no-cache", "{asked}");
        }
    }

    // What changes is told, on both sides, and under another tag.
    let products = format!("{}/products", pair.orders.url());
    let courier = format!("{}/couriers/max", pair.deliveries.url());
    let before = [get(&products, "accept", "*/*").await, get(&courier, "accept", "*/*").await];
    shop.receive("A", 1).await.expect("there is an answer").require(StatusCode::OK).expect("one more");
    let put = Client::new().put(&courier).json(&json!({ "name": "Max", "capacity": 4 }));
    Reply::to(put).await.expect("there is an answer").require(StatusCode::OK).expect("Max carries more");
    for (url, before) in [products, courier].iter().zip(&before) {
        let after = get(url, "if-none-match", before.header("etag")).await;
        assert_eq!(after.status, StatusCode::OK, "{url}");
        assert_ne!((after.header("etag"), &after.body), (before.header("etag"), &before.body), "{url}");
        assert_eq!(get(url, "if-none-match", after.header("etag")).await.status, StatusCode::NOT_MODIFIED, "{url}");
    }
}

/// An order as a client follows it: by asking again with the tag it has, until there is something new.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_can_be_followed_by_its_tags() {
    let pair = Pair::start(Env::new("followed").await).await;
    let shop = pair.shop();
    shop.sells("A", 10).await.expect("10 pieces");
    shop.serves("berlin", "1", 10).await.expect("Berlin is served");
    let placed = shop.place(&order_of(&[("A", 1)], "10115")).await.expect("there is an answer");
    let url = format!("{}/orders/{}", pair.orders.url(), placed.text("/id"));
    let mut tag = String::new();
    eventually("the order is confirmed", PATIENCE, async || {
        let seen = get(&url, "if-none-match", &tag).await;
        if seen.status == StatusCode::OK {
            ensure!(seen.header("etag") != tag, "the same tag for something new: {seen:?}");
            seen.header("etag").clone_into(&mut tag);
        }
        ensure!(seen.text("/status") == "confirmed", "{seen:?}");
        anyhow::Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_long_is_compressed_for_whom_asks_and_says_the_same() {
    let pair = Pair::start(Env::new("compressed").await).await;
    let shop = pair.shop();
    let items: Vec<_> = (0..20).map(|n| format!("ARTICLE-{n}")).collect();
    for sku in &items {
        shop.sells(sku, 100).await.expect("100 pieces");
    }
    let order = order_of(&items.iter().map(|sku| (sku.as_str(), 1)).collect::<Vec<_>>(), "99999");

    // Asked for twice under one key, waiting or not: the same bytes, once they are unpacked.
    for (key, wait) in [("a", "wait=0"), ("b", "wait=30")] {
        let ask = async |encoding: &str| {
            let request = shop.order_request("/orders", &order).header("idempotency-key", key).header("prefer", wait);
            Reply::to(request.header("accept-encoding", encoding)).await.expect("there is an answer")
        };
        let (packed, plain) = (ask("gzip").await, ask("identity").await);
        assert_eq!((packed.status, packed.header("content-encoding")), (StatusCode::CREATED, "gzip"), "{wait}");
        assert_eq!(plain.header("content-encoding"), "", "{wait}");
        assert_eq!(packed.header("preference-applied"), wait);
        assert_eq!(unpacked(&packed), plain.body, "{wait}");
        assert_eq!(packed.header("content-length"), packed.body.len().to_string());

        let url = format!("{}{}", pair.orders.url(), plain.header("location"));
        eventually("the order is cancelled", PATIENCE, async || {
            let seen = get(&url, "accept-encoding", "identity").await.text("/status");
            ensure!(seen == "cancelled", "{seen}");
            anyhow::Ok(())
        })
        .await;
        let (packed, plain) = tokio::join!(get(&url, "accept-encoding", "gzip"), get(&url, "accept-encoding", "br"));
        assert_eq!((packed.header("content-encoding"), plain.header("content-encoding")), ("gzip", ""));
        assert_eq!((packed.header("etag"), unpacked(&packed)), (plain.header("etag"), plain.body.clone()));
        assert_eq!((packed.header("vary"), plain.header("vary")), ("accept-encoding", "accept-encoding"));
        assert!(packed.body.len() * 2 < plain.body.len());
    }

    let metrics = get(&format!("{}/metrics", pair.orders.url()), "accept-encoding", "gzip").await;
    assert_eq!(metrics.header("content-encoding"), "gzip");
    let short = get(&format!("{}/health/live", pair.orders.url()), "accept-encoding", "gzip").await;
    assert_eq!((short.header("content-encoding"), short.json()), ("", json!({ "live": true })));
}

fn unpacked(reply: &Reply) -> Vec<u8> {
    let mut body = Vec::new();
    GzDecoder::new(reply.body.as_slice()).read_to_end(&mut body).expect("it is gzip");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_its_database_says_when_to_ask_again() {
    let env = Env::new("without a database").await;
    let way = Proxy::before(env.orders_database()).await;
    let service = env.order_service().database(&way.url(env.orders_database())).start().await;
    let ready = format!("{}/health/ready", service.url());
    assert_eq!(get(&ready, "accept", "*/*").await.header("retry-after"), "");
    way.set(Traffic::IsRefused);
    way.cut();
    eventually("the service is not ready and says when to ask again", PATIENCE, async || {
        let seen = get(&ready, "accept", "*/*").await;
        ensure!(seen.status == StatusCode::SERVICE_UNAVAILABLE && seen.header("retry-after") == "1", "{seen:?}");
        anyhow::Ok(())
    })
    .await;
    let list = get(&format!("{}/orders", service.url()), "accept", "*/*").await;
    assert!(list.is_not_now() && list.header("retry-after") == "2", "{list:?}");
}
