//! The parcel has left: from here the only way is forward.

use http::StatusCode;
use serde_json::json;

use super::story::{PIECES, Story, went_through};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_order_has_its_stock_shipped_and_its_proof_shown() {
    let story = Story::begins(5).await;
    let (id, delivery) = story.dispatched(4).await;
    assert_eq!((story.pieces().await, story.load().await), ([4, 0, 0, PIECES], json!(1)));
    let order = story.shop.order(&id).await.expect("the order");
    assert_eq!(order["delivery"]["courier"], json!(story.courier));

    let proof = json!({ "received_by": "Ada Lovelace", "reference": "signature-7" });
    story.staff(&delivery, "completion", proof.clone()).await;
    let order = story.becomes(&id, "delivered").await;
    assert_eq!((&order["payment"], &order["stock"]), (&json!("captured"), &json!("shipped")));
    assert_eq!((&order["delivery"]["proof"], &order["cancellation"]), (&proof, &json!(null)));
    assert_eq!(went_through(&order), ["completed", "confirmed", "in_delivery", "delivered"]);
    assert_eq!(story.money(&id).await, ["hold", "capture"]);
    assert_eq!((story.pieces().await, story.load().await), ([0, 4, 0, PIECES - 4], json!(0)));
    assert_eq!(went_through(&story.delivery_of(&id).await), ["scheduled", "dispatched", "delivered"]);

    // The same command again: the same. Then nothing more can happen to it.
    let again = story.staff(&delivery, "completion", proof).await;
    assert_eq!((&again["status"], &again["version"]), (&json!("delivered"), &json!(3)));
    assert!(story.cancels(&id).await.is_problem(StatusCode::CONFLICT, "too_late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_does_not_arrive_is_refunded_and_its_goods_go_where_they_went() {
    // What staff say, what became of the goods, and where their two pieces are then.
    for (reason, goods, stock, pieces) in [
        ("lost", "lost", "written_off", [0, 0, 2, PIECES - 2]),
        ("damaged", "damaged", "written_off", [0, 0, 2, PIECES - 2]),
        ("refused_by_recipient", "returned", "released", [0, 0, 0, PIECES]),
        ("recipient_absent", "returned", "released", [0, 0, 0, PIECES]),
    ] {
        let story = Story::begins(5).await;
        let (id, delivery) = story.dispatched(2).await;
        story.staff(&delivery, "failure", json!({ "reason": reason })).await;
        let order = story.becomes(&id, "returned").await;
        let failure = json!({ "stage": "transit", "reason": reason, "goods": goods });
        assert_eq!((&order["payment"], &order["stock"]), (&json!("refunded"), &json!(stock)), "{reason}");
        assert_eq!((&order["delivery"]["failure"], &order["cancellation"]), (&failure, &json!(null)), "{reason}");
        assert_eq!(went_through(&order), ["completed", "confirmed", "in_delivery", "returned"], "{reason}");
        assert_eq!(story.money(&id).await, ["hold", "capture", "refund"], "{reason}");
        assert_eq!((story.pieces().await, story.load().await), (pieces, json!(0)), "{reason}");
        assert_eq!(story.delivery_of(&id).await["status"], json!("failed"), "{reason}");
    }
}
