//! One of the two is not there for a while.

use http::StatusCode;
use shared_events::Topic;
use tests::Env;

use super::{all_confirmed, lanes, open, place, with_status};

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_while_delivery_service_is_down_and_confirmed_when_it_is_back() {
    let mut pair = open(Env::new("delivery down").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    pair.deliveries.kill().await.expect("it is killed");

    let ids = place(&shop, 1_000).await;
    // Some change their mind before anybody has heard of their order.
    for id in &ids[..50] {
        assert_eq!(shop.cancel(id).await.expect("there is an answer").status, StatusCode::ACCEPTED);
    }
    assert_eq!(with_status(&orders, "completed").await.expect("a number"), 950);
    assert_eq!(with_status(&orders, "cancelling").await.expect("a number"), 50);

    pair.deliveries.restart().await.expect("it is started again");
    all_confirmed(&orders, 950).await;
    pair.settles().await;
    assert_eq!(with_status(&orders, "cancelled").await.expect("a number"), 50);
    let refunds = "select count(*) from transfers where kind in ('capture', 'refund') and order_id in (select id from orders where status = 'cancelled')";
    let refunds: i64 = sqlx::query_scalar(refunds).fetch_one(&orders).await.expect("a number");
    assert_eq!(refunds, 0, "what was never captured has to be voided, not refunded");
    let product = shop.product("A").await.expect("the article");
    assert_eq!(product["reserved"], serde_json::json!(950));
}

#[tokio::test(flavor = "multi_thread")]
async fn order_service_killed_with_a_thousand_unanswered_confirms_them_all_when_it_is_back() {
    let mut pair = open(Env::new("order killed").await).await;
    let (shop, (orders, _)) = (pair.shop(), pair.pools());
    pair.deliveries.kill().await.expect("it is killed");
    place(&shop, 1_000).await;
    pair.orders.kill().await.expect("it is killed");
    assert_eq!(with_status(&orders, "completed").await.expect("a number"), 1_000);

    pair.deliveries.restart().await.expect("it is started again");
    pair.deliveries.wait_ready(tests::PATIENCE).await.expect("it is ready");
    pair.orders.restart().await.expect("it is started again");
    all_confirmed(&orders, 1_000).await;
    pair.settles().await;
    lanes::repeats(&pair.env, Topic::Orders).await;
    lanes::repeats(&pair.env, Topic::Deliveries).await;
}
