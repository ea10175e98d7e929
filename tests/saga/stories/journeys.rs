//! The journey of an order through each story: every step of both sides, in order, with its version and its cause.

use anyhow::{Result, ensure};
use http::StatusCode;
use indicatif::ProgressBar;
use sagactl::{
    journey::{self, Entry, Merged},
    services::{Services, Side, Sides},
};
use serde_json::{Value, json};
use tests::{PATIENCE, Reply, eventually, order_of};
use uuid::Uuid;

use super::story::{Story, text};
use crate::operations::Operator;

const CONFIRMED: [&str; 5] = [
    "O placed → completed, because of a request",
    "O announces OrderCompleted v1, because of a request",
    "D OrderCompleted v1 → scheduled, because of OrderCompleted v1",
    "D announces DeliveryCreated v1, because of OrderCompleted v1",
    "O DeliveryCreated v1 → confirmed, because of DeliveryCreated v1",
];

const DISPATCHED: [&str; 4] = [
    "D assign_courier → scheduled, because of a request",
    "D dispatch → dispatched, because of a request",
    "D announces DeliveryDispatched v2, because of a request",
    "O DeliveryDispatched v2 → in_delivery, because of DeliveryDispatched v2",
];

const ASKED: [&str; 2] = [
    "O cancellation_by_customer → cancelling, because of a request",
    "O announces OrderCancelled v2, because of a request",
];

async fn followed(story: &Story, order: &str) -> Result<Merged> {
    let (orders, deliveries) = (Some(story.shop.orders.clone()), Some(story.shop.deliveries.clone()));
    let services = Services::at(Sides { orders, deliveries }, None)?;
    let merged = journey::follow(&services, order.parse()?).await?;
    ensure!(merged.is_whole() && merged.is_known(), "{merged}");
    Ok(merged)
}

/// `D OrderCompleted v1 → scheduled, because of OrderCompleted v1`.
fn told(entry: &Entry) -> String {
    let side = match entry.side {
        Side::OrderService => "O",
        Side::DeliveryService => "D",
    };
    let version = entry.version.map(|version| format!(" v{version}")).unwrap_or_default();
    let status = entry.status.as_ref().map(|status| format!(" → {status}")).unwrap_or_default();
    let cause = entry.cause.as_deref().unwrap_or("nothing");
    let cause = if cause.parse::<Uuid>().is_ok() { "a request" } else { cause };
    format!("{side} {}{version}{status}, because of {cause}", entry.what)
}

/// Waits until the journey is this one: what one side did last may not have been read by the other.
async fn is_told(story: &Story, order: &str, expected: &[&[&str]]) -> Merged {
    let expected: Vec<String> = expected.concat().into_iter().map(str::to_owned).collect();
    eventually("the journey is whole", PATIENCE, async || {
        let merged = followed(story, order).await?;
        let told: Vec<String> = merged.timeline.iter().map(told).collect();
        ensure!(told == expected, "{told:#?}");
        ensure!(merged.timeline.iter().all(|entry| entry.unsent_since.is_none()), "all of it has gone out");
        anyhow::Ok(merged)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_confirmed_order_has_every_step_of_both_sides() {
    let story = Story::begins(5).await;
    let (order, _) = story.confirmed(1).await;
    let merged = is_told(&story, &order, &[&CONFIRMED]).await;
    assert!(merged.timeline.iter().skip(1).all(|entry| entry.after_ms.is_some_and(|after| after >= 0)), "{merged}");
    let text = merged.to_string();
    for told in [
        "DeliveryCreated",
        "order-service: confirmed, waits for dispatch (until 2",
        "DeliveryFailed (fulfilment) → cancelled",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_copy_of_an_announced_event_is_found_on_its_topic() {
    let story = Story::begins(5).await;
    let (order, _) = story.confirmed(1).await;
    let mut merged = is_told(&story, &order, &[&CONFIRMED]).await;
    assert!(merged.timeline.iter().all(|entry| entry.places.is_none()), "nobody has looked: {merged}");
    let again = json!({ "order_id": order, "reason": "to see both copies" });
    Operator::of(&story.pair.deliveries).does("/republications", &again).await;
    let kafka = story.pair.env.kafka("sagactl");
    eventually("both copies are on the topic", PATIENCE, async || {
        merged.locate(&kafka, &ProgressBar::hidden()).await?;
        let copies: Vec<usize> =
            merged.timeline.iter().filter_map(|entry| Some(entry.places.as_ref()?.len())).collect();
        ensure!(copies == [1, 2], "OrderCompleted once, DeliveryCreated twice: {merged}");
        anyhow::Ok(())
    })
    .await;
    let places: Vec<_> = merged.timeline.iter().flat_map(|entry| entry.places.iter().flatten()).collect();
    let [completed, first, second] = places.as_slice() else { panic!("{merged}") };
    assert_eq!((first.event_id, first.partition), (second.event_id, completed.partition), "one event, one lane");
    assert!(first.offset < second.offset, "{merged}");
    let told = format!("announces DeliveryCreated ({} {}@{}, ", first.topic, first.partition, first.offset);
    assert!(merged.to_string().contains(&told), "{told}: {merged}");
    assert_eq!(merged.unannounced.as_deref(), Some(&[] as &[_]), "{merged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_refused_order_ends_with_the_refusal() {
    let story = Story::begins(5).await;
    let order = story.places(&order_of(&[(&story.sku, 1)], "99999")).await;
    let refused = [
        "D OrderCompleted v1 → refused, because of OrderCompleted v1",
        "D announces DeliveryFailed v1, because of OrderCompleted v1",
        "O DeliveryFailed v1 → cancelled, because of DeliveryFailed v1",
    ];
    is_told(&story, &order, &[&CONFIRMED[..2], &refused]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_cancelled_order_has_the_question_and_the_answer() {
    let story = Story::begins(5).await;
    let (order, _) = story.confirmed(1).await;
    story.cancels(&order).await.require(StatusCode::ACCEPTED).expect("it is being cancelled");
    let answered = [
        "D OrderCancelled v2 → cancelled, because of OrderCancelled v2",
        "D announces DeliveryCancelled v2, because of OrderCancelled v2",
        "O DeliveryCancelled v2 → cancelled, because of DeliveryCancelled v2",
    ];
    let merged = is_told(&story, &order, &[&CONFIRMED, &ASKED, &answered]).await;
    let journey = json!(merged);
    for side in ["order_service", "delivery_service"] {
        let known = &journey[side]["knows"];
        assert_eq!((&known["may_come"], &known["waiting_for"]), (&json!([]), &json!(null)), "{side} has ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_race_that_the_courier_wins_has_the_cancellation_that_came_too_late() {
    let story = Story::begins(5).await;
    let (order, delivery) = story.confirmed(1).await;
    story.staff(&delivery, "courier", json!({ "courier_id": story.courier })).await;
    // The delivery side reads nothing of this order for a moment.
    let (_, deliveries) = story.pair.pools();
    let mut held = deliveries.begin().await.expect("a transaction");
    let id: Uuid = order.parse().expect("an id");
    let lock = sqlx::query("select from inbox where order_id = $1 for update").bind(id).execute(&mut *held).await;
    lock.expect("the lane is held");
    story.cancels(&order).await.require(StatusCode::ACCEPTED).expect("it is being cancelled");
    story.staff(&delivery, "dispatch", json!({})).await;
    story.becomes(&order, "in_delivery").await;
    held.rollback().await.expect("the lane is free");
    let [assigned, dispatched @ ..] = DISPATCHED;
    let too_late = ["D OrderCancelled v2 → dispatched, because of OrderCancelled v2"];
    is_told(&story, &order, &[&CONFIRMED, &[assigned], &ASKED, &dispatched, &too_late]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_delivered_order_has_what_staff_did() {
    let story = Story::begins(5).await;
    let (order, delivery) = story.dispatched(1).await;
    story.staff(&delivery, "completion", json!({ "received_by": "Ada" })).await;
    let delivered = [
        "D complete → delivered, because of a request",
        "D announces DeliveryCompleted v3, because of a request",
        "O DeliveryCompleted v3 → delivered, because of DeliveryCompleted v3",
    ];
    is_told(&story, &order, &[&CONFIRMED, &DISPATCHED, &delivered]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journey_of_a_returned_order_says_that_it_failed_on_the_way() {
    let story = Story::begins(5).await;
    let (order, delivery) = story.dispatched(1).await;
    story.staff(&delivery, "attempts", json!({ "number": 1 })).await;
    story.staff(&delivery, "failure", json!({ "reason": "lost" })).await;
    let lost = [
        "D attempt → dispatched, because of a request",
        "D fail → failed, because of a request",
        "D announces DeliveryFailed v3, because of a request",
        "O DeliveryFailed v3 → returned, because of DeliveryFailed v3",
    ];
    is_told(&story, &order, &[&CONFIRMED, &DISPATCHED, &lost]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_answers_by_itself_and_knows_nothing_of_strangers() {
    let story = Story::begins(5).await;
    let (order, _) = story.confirmed(1).await;
    let sides = [&story.shop.orders, &story.shop.deliveries];
    for (address, service) in sides.into_iter().zip(["order-service", "delivery-service"]) {
        let journey = story.shop.read(&format!("{address}/orders/{order}/journey")).await.expect("its journey");
        assert_eq!((&journey["order_id"], &journey["service"]), (&json!(order), &json!(service)));
        assert_eq!((&journey["seen"], &journey["parked"]), (&json!(1), &json!([])), "{journey}");
        assert_eq!(journey["announced"].as_array().map(Vec::len), Some(1), "{journey}");
        assert_eq!(journey["waiting_for"]["what"], json!("dispatch"), "{journey}");
        let stranger = format!("{address}/orders/{}/journey", Uuid::now_v7());
        let reply = Reply::to(reqwest::Client::new().get(stranger)).await.expect("there is an answer");
        assert!(reply.is_problem(StatusCode::NOT_FOUND, "not_found"), "{reply:?}");
    }
    let here = story.shop.read(&format!("{}/orders/{order}/journey", story.shop.orders)).await.expect("its journey");
    let coming: Vec<Value> = here["may_come"].as_array().expect("a list").clone();
    let expected = json!([
        { "comes": "event", "event": "DeliveryFailed", "stage": "fulfilment", "leads_to": "cancelled" },
        { "comes": "event", "event": "DeliveryDispatched", "leads_to": "in_delivery" },
        { "comes": "cancellation", "by": "customer", "leads_to": "cancelling" },
        { "comes": "cancellation", "by": "operator", "leads_to": "cancelling" },
        { "comes": "deadline", "leads_to": "confirmed" },
    ]);
    assert_eq!(json!(coming), expected);
    assert!(!text(&here["steps"][0]["cause_id"]).is_empty());
}
