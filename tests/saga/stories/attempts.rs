//! Nobody opens the door.

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tests::{Env, Pair, Shop, order_of};

use super::story::{PIECES, Story, on_one_day, text, went_through};

/// The day of each attempt, and the one that it led to.
fn days(delivery: &Value) -> Vec<(Value, Value)> {
    let attempts = delivery["attempts"].as_array().into_iter().flatten();
    attempts.map(|attempt| (attempt["date"].clone(), attempt["next_date"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_recipient_gets_another_day_and_the_order_side_hears_nothing_of_it() {
    on_one_day(async || {
        let story = Story::begins(1).await;
        let quoted = story.quoted(4).await;
        let (id, delivery) = story.dispatched(1).await;
        let before = story.shop.order(&id).await.expect("the order");
        let until = |delivery: &Value| text(&delivery["waiting_for"]["until"]);
        let first_until = until(&story.delivery_of(&id).await);

        let moved = story.staff(&delivery, "attempts", json!({ "number": 1, "note": "nobody opened" })).await;
        assert_eq!((&moved["status"], &moved["slot"]), (&json!("dispatched"), &quoted[1]));
        assert_eq!((&moved["promised_date"], &moved["version"]), (&quoted[0]["date"], &json!(2)));
        assert!(!first_until.is_empty() && until(&moved) > first_until, "it is late on another day: {moved}");
        let attempt = &moved["attempts"][0];
        assert_eq!((&attempt["number"], &attempt["note"]), (&json!(1), &json!("nobody opened")));
        assert_eq!(days(&moved), [(quoted[0]["date"].clone(), quoted[1]["date"].clone())]);
        assert_eq!((story.delivery_of(&id).await, story.load().await), (moved, json!(1)));
        // Its former place is free, the new one is not.
        assert_eq!(story.quoted(2).await, [quoted[0].clone(), quoted[2].clone()]);

        let wished = story.staff(&delivery, "attempts", json!({ "number": 2, "date": quoted[3]["date"] })).await;
        assert_eq!((&wished["slot"], &wished["promised_date"]), (&quoted[3], &quoted[0]["date"]));
        assert_eq!(story.shop.order(&id).await.expect("the order"), before);

        story.staff(&delivery, "completion", json!({ "received_by": "Ada" })).await;
        story.becomes(&id, "delivered").await;
        let delivered = story.delivery_of(&id).await;
        assert_eq!(went_through(&delivered), ["scheduled", "dispatched", "delivered"]);
        assert_eq!((days(&delivered).len(), story.load().await), (2, json!(0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_third_attempt_the_parcel_comes_back_and_the_money_too() {
    let story = Story::begins(5).await;
    let (id, delivery) = story.dispatched(2).await;
    for number in 1..=2 {
        let moved = story.staff(&delivery, "attempts", json!({ "number": number })).await;
        assert_eq!((&moved["status"], days(&moved).len()), (&json!("dispatched"), number));
    }
    let failed = story.staff(&delivery, "attempts", json!({ "number": 3, "note": "for the last time" })).await;
    let failure = json!({ "stage": "transit", "reason": "recipient_absent", "goods": "returned" });
    assert_eq!((&failed["status"], &failed["failure"]), (&json!("failed"), &failure));
    let last = &failed["attempts"][2];
    assert_eq!((&last["note"], &last["next_date"]), (&json!("for the last time"), &json!(null)));
    assert_eq!(text(&failed["transitions"][2]["cause"]), "attempt");

    let order = story.becomes(&id, "returned").await;
    assert_eq!((&order["payment"], &order["stock"]), (&json!("refunded"), &json!("released")));
    assert_eq!(order["delivery"]["failure"], failure);
    assert_eq!((story.pieces().await, story.load().await), ([0, 0, 0, PIECES], json!(0)));
    assert_eq!(story.staff(&delivery, "attempts", json!({ "number": 3 })).await, failed, "it was told already");
    let more = story.shop.staff(&delivery, "attempts", &json!({ "number": 4 })).await.expect("there is an answer");
    assert!(more.is_problem(StatusCode::CONFLICT, "wrong_status"), "{more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_cannot_be_had_is_refused_with_others_and_not_recorded() {
    on_one_day(async || {
        let story = Story::begins(1).await;
        let quoted = story.quoted(14).await;
        let (id, delivery) = story.dispatched(1).await;
        let other = story.places(&story.order_for(1, &quoted[2])).await;
        story.becomes(&other, "confirmed").await;
        let before = story.delivery_of(&id).await;

        // Full; before its own day; its own day; not on offer any more.
        let days = [quoted[2]["date"].clone(), json!("2020-01-01"), quoted[0]["date"].clone(), json!("9999-12-31")];
        for day in days {
            let refused =
                story.shop.staff(&delivery, "attempts", &json!({ "number": 1, "date": day })).await.expect("an answer");
            assert!(refused.is_problem(StatusCode::CONFLICT, "slot_full"), "{refused:?}");
            let later = [1, 3, 4, 5, 6].map(|n| quoted[n].clone());
            assert_eq!(refused.json()["alternatives"], json!(later), "{day}");
        }
        assert_eq!(story.delivery_of(&id).await, before);

        // On the last day that can be had there is no later one.
        let (last, courier) = (story.places(&story.order_for(1, &quoted[13])).await, story.courier.clone());
        let last = text(&story.becomes(&last, "confirmed").await["delivery"]["id"]);
        story.staff(&last, "courier", json!({ "courier_id": courier })).await;
        let early = story.shop.staff(&last, "attempts", &json!({ "number": 1 })).await.expect("an answer");
        assert!(early.is_problem(StatusCode::CONFLICT, "wrong_status"), "{early:?}");
        story.staff(&last, "dispatch", json!({})).await;
        let refused = story.shop.staff(&last, "attempts", &json!({ "number": 1 })).await.expect("an answer");
        assert!(refused.is_problem(StatusCode::CONFLICT, "slot_full"), "{refused:?}");
        assert_eq!(refused.json()["alternatives"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_attempt_under_one_key_is_one_attempt() {
    let story = Story::begins(5).await;
    let (id, delivery) = story.dispatched(1).await;
    let body = json!({ "number": 1, "note": "nobody opened" });
    let tell = async || story.shop.staff_once("attempt-1", &delivery, "attempts", &body).await.expect("an answer");
    let (first, again) = (tell().await, tell().await);
    assert_eq!((first.status, &first.body), (StatusCode::OK, &again.body));
    assert_eq!(days(&story.delivery_of(&id).await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_told_again_without_a_key_is_one_attempt_too() {
    let story = Story::begins(5).await;
    let (_, delivery) = story.dispatched(1).await;
    let wrong = async |number: u32, expected: u32| {
        let refused = story.shop.staff(&delivery, "attempts", &json!({ "number": number })).await.expect("an answer");
        assert!(refused.is_problem(StatusCode::CONFLICT, "wrong_attempt"), "{refused:?}");
        assert_eq!(refused.json()["expected"], json!(expected));
    };
    wrong(2, 1).await;
    // All of them may come in one batch.
    let told = join_all((0..PARCELS).map(|_| story.staff(&delivery, "attempts", json!({ "number": 1 })))).await;
    assert!(told.iter().all(|delivery| *delivery == told[0] && days(delivery).len() == 1), "{told:#?}");
    wrong(3, 2).await;
    story.staff(&delivery, "attempts", json!({ "number": 2 })).await;
    wrong(1, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_does_not_come_back() {
    let story = Story::begins(5).await;
    let (id, delivery) = story.dispatched(1).await;
    let proof = json!({ "received_by": "Ada Lovelace" });
    story.staff(&delivery, "completion", proof.clone()).await;
    let delivered = story.delivery_of(&id).await;
    for (command, body) in [
        ("failure", json!({ "reason": "refused_by_recipient" })),
        ("failure", json!({ "reason": "recipient_absent" })),
        ("attempts", json!({ "number": 1 })),
        ("completion", json!({ "received_by": "Somebody else" })),
    ] {
        let late = story.shop.staff(&delivery, command, &body).await.expect("there is an answer");
        assert!(late.is_problem(StatusCode::CONFLICT, "already_delivered"), "{command}: {late:?}");
        assert!(late.text("/detail").contains("Ada Lovelace"), "{late:?}");
    }
    assert_eq!(story.staff(&delivery, "completion", proof).await, delivered);
    story.becomes(&id, "delivered").await;
}

const PARCELS: usize = 8;

/// All at once, so that they are decided in batches together. The parcel comes back after the second time here.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_orders_share_the_places_of_a_zone() {
    let env = Env::new("attempts").await;
    let deliveries = env.delivery_service().arg("--max-attempts=2");
    let (orders, deliveries) = tokio::join!(env.order_service().start(), deliveries.start());
    let pair = Pair { orders, deliveries, env };
    let shop = pair.shop();
    shop.sells("A", 100).await.expect("100 pieces");
    shop.serves("berlin", "1", 3).await.expect("Berlin is served");
    shop.employs("max", 100).await.expect("Max works");

    let parcels = join_all((0..PARCELS).map(|_| on_the_way(&shop))).await;
    for (number, becomes) in [(1, "dispatched"), (2, "failed")] {
        let body = json!({ "number": number });
        let attempts = join_all(parcels.iter().map(|parcel| shop.staff(parcel, "attempts", &body)));
        let placed = join_all((0..PARCELS).map(|_| confirmed(&shop)));
        let (attempts, _) = tokio::join!(attempts, placed);
        for attempt in attempts {
            let attempt = attempt.expect("there is an answer");
            assert_eq!((attempt.status, attempt.text("/status")), (StatusCode::OK, becomes.to_owned()), "{attempt:?}");
        }
        pair.settles().await;
    }
}

/// Answers with the id of a delivery that has a slot.
async fn confirmed(shop: &Shop) -> String {
    let placed = shop.place_and_wait(30, &order_of(&[("A", 1)], "10115")).await.expect("there is an answer");
    assert_eq!(placed.text("/status"), "confirmed", "{placed:?}");
    placed.text("/delivery/id")
}

async fn on_the_way(shop: &Shop) -> String {
    let delivery = confirmed(shop).await;
    for (command, body) in [("courier", json!({ "courier_id": "max" })), ("dispatch", json!({}))] {
        let done = shop.staff(&delivery, command, &body).await.expect("there is an answer");
        done.require(StatusCode::OK).expect("staff may do that");
    }
    delivery
}
