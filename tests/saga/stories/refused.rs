//! The delivery side says yes or no.

use serde_json::json;

use super::story::{PIECES, Story, on_one_day, went_through};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_confirmed_once_its_delivery_has_a_slot() {
    let story = Story::begins(5).await;
    let (id, delivery_id) = story.confirmed(3).await;
    let order = story.shop.order(&id).await.expect("the order");
    assert_eq!(
        (&order["payment"], &order["stock"], &order["version"]),
        (&json!("captured"), &json!("reserved"), &json!(1))
    );
    assert_eq!(order["total"], json!({ "amount_minor": 3 * 1250, "currency": "EUR" }));
    assert_eq!(order["cancellation"], json!(null));
    assert_eq!(order["delivery"]["slot"]["zone"], json!(story.zone));
    assert_eq!(order["delivery"]["slot"]["date"], order["delivery"]["promised_date"]);
    assert_eq!(went_through(&order), ["completed", "confirmed"]);
    assert_eq!(story.money(&id).await, ["hold", "capture"]);
    assert_eq!(story.pieces().await, [3, 0, 0, PIECES]);

    let delivery = story.delivery_of(&id).await;
    assert_eq!((&delivery["id"], &delivery["status"]), (&json!(delivery_id), &json!("scheduled")));
    assert_eq!((&delivery["slot"], &delivery["weight_g"]), (&order["delivery"]["slot"], &json!(1500)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_delivered_is_cancelled_with_payment_voided_and_stock_back() {
    on_one_day(async || {
        let story = Story::begins(1).await;
        let mut nowhere = story.order(2);
        nowhere["delivery_address"]["postal_code"] = json!("99999");
        let mut unreadable = story.order(2);
        unreadable["delivery_address"]["postal_code"] = json!("10?15");
        let mut too_heavy = story.order(2);
        story.shop.sells(&format!("{}-many", story.sku), 100).await.expect("100 pieces");
        too_heavy["items"] = json!([{ "sku": format!("{}-many", story.sku), "quantity": 61 }]);
        let mut yesterday = story.order(2);
        yesterday["slot"] = json!("2020-01-01");

        for (order, reason) in [
            (nowhere, "zone_unserved"),
            (unreadable, "address_invalid"),
            (too_heavy, "overweight"),
            (yesterday, "slot_full"),
        ] {
            let id = story.places(&order).await;
            let order = story.becomes(&id, "cancelled").await;
            let mut failure = json!({ "stage": "creation", "reason": reason });
            if reason == "slot_full" {
                failure["alternatives"] = json!(story.quoted(5).await);
            }
            assert_eq!((&order["payment"], &order["stock"]), (&json!("voided"), &json!("released")));
            assert_eq!(
                order["cancellation"],
                json!({ "reason": "delivery_failed", "failure": failure, "rejected": false })
            );
            assert_eq!(went_through(&order), ["completed", "cancelled"]);
            assert_eq!(story.money(&id).await, ["hold", "void"]);
            let delivery = story.delivery_of(&id).await;
            assert_eq!((&delivery["status"], &delivery["failure"]), (&json!("refused"), &failure));
            // Cancelling it now is asking for what is done already.
            assert_eq!(story.cancels(&id).await.status, 200);
        }
        assert_eq!(story.pieces().await, [0, 0, 0, PIECES]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wish_the_next_day_with_room_is_taken_and_a_wished_day_without_room_is_refused() {
    let story = Story::begins(1).await;
    let (first, _) = story.confirmed(1).await;
    let (second, _) = story.confirmed(1).await;
    let day = |order: &serde_json::Value| order["delivery"]["slot"]["date"].clone();
    let first = day(&story.shop.order(&first).await.expect("the order"));
    let second = day(&story.shop.order(&second).await.expect("the order"));
    assert!(first.as_str() < second.as_str(), "{first} and {second}");

    let mut wished = story.order(1);
    wished["slot"] = first;
    let third = story.places(&wished).await;
    let third = story.becomes(&third, "cancelled").await;
    assert_eq!(third["cancellation"]["failure"]["reason"], json!("slot_full"));
    assert_eq!(story.pieces().await, [2, 0, 0, PIECES]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_day_comes_with_other_days_and_any_of_them_can_be_had() {
    on_one_day(async || {
        let story = Story::begins(1).await;
        let wished = &story.quoted(3).await[2];
        let first = story.places(&story.order_for(1, wished)).await;
        assert_eq!(&story.becomes(&first, "confirmed").await["delivery"]["slot"], wished);

        let refused = story.places(&story.order_for(1, wished)).await;
        let refused = story.becomes(&refused, "cancelled").await;
        let offered = story.quoted(5).await;
        let failure = json!({ "stage": "creation", "reason": "slot_full", "alternatives": offered });
        assert_eq!((&refused["delivery"]["failure"], &refused["cancellation"]["failure"]), (&failure, &failure));
        assert!(offered.len() == 5 && !offered.contains(wished), "{offered:?}");

        let again = story.places(&story.order_for(1, &offered[3])).await;
        assert_eq!(story.becomes(&again, "confirmed").await["delivery"]["slot"], offered[3]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_day_is_full_a_refusal_has_nothing_to_offer() {
    let story = Story::begins(0).await;
    let id = story.places(&story.order(1)).await;
    let order = story.becomes(&id, "cancelled").await;
    assert_eq!(order["delivery"]["failure"], json!({ "stage": "creation", "reason": "slot_full" }));
}
