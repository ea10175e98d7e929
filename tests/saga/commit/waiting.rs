//! `Prefer: wait=N`: the answer to a placed order comes with its outcome, where there is one in time.

use std::time::{Duration, Instant};

use http::StatusCode;
use tests::{Env, PATIENCE, Pair, Reply, Shop, order_of};

use super::all;

/// Served by nobody.
const NOWHERE: &str = "99999";

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_the_outcome_whichever_instance_applies_it() {
    let pair = Pair::start(Env::new("who waits").await).await;
    let second = pair.env.order_service().instance("order-service-2").start().await;
    let (shop, applied) = (pair.shop(), "inbox_events_total{outcome=\"handled\"}");
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    shop.serves("berlin", "1", 1_000).await.expect("Berlin is served");

    let (fits, does_not) = (order_of(&[("A", 1)], "10115"), order_of(&[("A", 1)], NOWHERE));
    // All are placed through the first instance; the outcomes of some come to the other one.
    let (confirmed, cancelled) = tokio::join!(
        all((0..30).map(|_| shop.place_and_wait(10, &fits))),
        all((0..30).map(|_| shop.place_and_wait(10, &does_not)))
    );
    assert!(confirmed.iter().all(|reply| is(reply, "confirmed", "captured")), "{confirmed:#?}");
    assert!(cancelled.iter().all(|reply| is(reply, "cancelled", "voided")), "{cancelled:#?}");
    assert_eq!(confirmed[0].header("preference-applied"), "wait=10");
    for instance in [pair.orders.url(), second.url()] {
        assert!(shop.counter(&instance, applied).await.expect("metrics") > 0.0, "{instance} applied nothing");
    }
    let (at_once, second_shop) = (shop.place_and_wait(0, &fits).await, shop.with_orders_at(second.url()));
    assert!(is(&at_once.expect("there is an answer"), "completed", "held"));
    let through_the_other = second_shop.place_and_wait(10, &fits).await.expect("there is an answer");
    assert!(is(&through_the_other, "confirmed", "captured"));
    pair.settles().await;
}

fn is(reply: &Reply, status: &str, payment: &str) -> bool {
    let is_found = reply.header("location") == format!("/orders/{}", reply.text("/id"));
    reply.status == StatusCode::CREATED
        && is_found
        && reply.text("/status") == status
        && reply.text("/payment") == payment
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_in_vain_is_answered_when_time_is_up_or_the_service_stops() {
    let env = Env::new("in vain").await;
    let mut service = env.order_service().start().await;
    let shop = Shop::new(service.url(), "");
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    let order = order_of(&[("A", 1)], "10115");

    let began = Instant::now();
    let reply = shop.place_and_wait(1, &order).await.expect("there is an answer");
    assert!(is(&reply, "completed", "held") && began.elapsed() >= Duration::from_secs(1));

    let began = Instant::now();
    let waiting = all((0..20).map(|_| shop.place_and_wait(30, &order)));
    let stopping = async {
        super::held::has_read(&service, 20).await;
        let pool = env.pool(env.orders_database());
        let all_placed = async || Ok(super::number(&pool, "select count(*) from orders").await);
        tests::eventually_is("all orders are placed", PATIENCE, 21, all_placed).await;
        service.terminate(Duration::from_secs(20)).await.expect("the service stops in time").expect("it ran")
    };
    let (replies, ended) = tokio::join!(waiting, stopping);
    assert!(ended.success(), "{ended}");
    assert!(replies.iter().all(|reply| is(reply, "completed", "held")), "{replies:#?}");
    assert!(began.elapsed() < Duration::from_secs(25), "they waited for {:?}", began.elapsed());
}
