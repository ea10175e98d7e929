//! Somebody does not want it any more.

use http::StatusCode;
use serde_json::json;
use sqlx::types::Uuid;

use super::story::{PIECES, Story, went_through};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_while_the_delivery_is_scheduled_and_everything_is_given_back() {
    let story = Story::begins(1).await;
    let (id, delivery) = story.confirmed(2).await;
    story.staff(&delivery, "courier", json!({ "courier_id": story.courier })).await;
    assert_eq!(story.load().await, json!(1));

    let answer = story.cancels(&id).await;
    assert_eq!((answer.status, answer.text("/status")), (StatusCode::ACCEPTED, "cancelling".to_owned()));
    let order = story.becomes(&id, "cancelled").await;
    assert_eq!(
        (&order["payment"], &order["stock"], &order["version"]),
        (&json!("refunded"), &json!("released"), &json!(2))
    );
    assert_eq!(order["cancellation"], json!({ "reason": "customer", "rejected": false }));
    assert_eq!(went_through(&order), ["completed", "confirmed", "cancelling", "cancelled"]);
    assert_eq!(story.money(&id).await, ["hold", "capture", "refund"]);
    assert_eq!(story.pieces().await, [0, 0, 0, PIECES]);

    let cancelled = story.delivery_of(&id).await;
    assert_eq!((&cancelled["status"], &cancelled["version"]), (&json!("cancelled"), &json!(2)));
    assert_eq!(story.load().await, json!(0));
    // The only place of the day is free again: the next order gets it.
    let (next, _) = story.confirmed(1).await;
    let next = story.shop.order(&next).await.expect("the order");
    assert_eq!(next["delivery"]["slot"], order["delivery"]["slot"]);
    let again = story.cancels(&id).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, order));
}

/// The cancellation is accepted because the news of the dispatch has not arrived: here it is held up on purpose.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_comes_after_the_dispatch_is_rejected_and_the_parcel_delivered() {
    let story = Story::begins(5).await;
    let (id, delivery) = story.confirmed(2).await;
    story.staff(&delivery, "courier", json!({ "courier_id": story.courier })).await;

    let (pool, _) = story.pair.pools();
    let mut held_up = pool.begin().await.expect("a transaction");
    let lane = sqlx::query("select from inbox where order_id = $1 for update").bind(id.parse::<Uuid>().expect("an id"));
    assert_eq!(lane.execute(&mut *held_up).await.expect("the lane is locked").rows_affected(), 1);
    story.staff(&delivery, "dispatch", json!({})).await;
    let answer = story.cancels(&id).await;
    assert_eq!((answer.status, answer.text("/status")), (StatusCode::ACCEPTED, "cancelling".to_owned()));
    held_up.rollback().await.expect("the lane is free");

    let order = story.becomes(&id, "in_delivery").await;
    assert_eq!(order["cancellation"], json!({ "reason": "customer", "rejected": true }));
    assert_eq!((&order["payment"], &order["stock"]), (&json!("captured"), &json!("reserved")));
    assert!(story.cancels(&id).await.is_problem(StatusCode::CONFLICT, "too_late"));

    story.staff(&delivery, "completion", json!({ "received_by": "Ada" })).await;
    let order = story.becomes(&id, "delivered").await;
    assert_eq!(went_through(&order), ["completed", "confirmed", "cancelling", "in_delivery", "delivered"]);
    assert_eq!(story.money(&id).await, ["hold", "capture"]);
    assert_eq!(story.pieces().await, [0, 2, 0, PIECES - 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_that_cannot_deliver_give_the_money_back_before_the_goods_have_left() {
    for reason in ["operator", "no_courier"] {
        let story = Story::begins(1).await;
        let (id, delivery) = story.confirmed(2).await;
        story.staff(&delivery, "courier", json!({ "courier_id": story.courier })).await;
        let failed = story.staff(&delivery, "failure", json!({ "reason": reason })).await;
        let failure = json!({ "stage": "fulfilment", "reason": reason });
        assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &failure));

        let order = story.becomes(&id, "cancelled").await;
        assert_eq!((&order["payment"], &order["stock"]), (&json!("refunded"), &json!("released")));
        assert_eq!(
            order["cancellation"],
            json!({ "reason": "delivery_failed", "failure": failure, "rejected": false })
        );
        assert_eq!(went_through(&order), ["completed", "confirmed", "cancelled"]);
        assert_eq!(story.money(&id).await, ["hold", "capture", "refund"]);
        assert_eq!((story.pieces().await, story.load().await), ([0, 0, 0, PIECES], json!(0)));
        let (next, _) = story.confirmed(1).await;
        let next = story.shop.order(&next).await.expect("the order");
        assert_eq!(next["delivery"]["slot"], order["delivery"]["slot"]);
        // The same command again is no second failure; another one comes too late.
        story.staff(&delivery, "failure", json!({ "reason": reason })).await;
        let too_late = story.shop.staff(&delivery, "dispatch", &json!({})).await.expect("there is an answer");
        assert!(too_late.is_problem(StatusCode::CONFLICT, "wrong_status"), "{too_late:?}");
    }
}
