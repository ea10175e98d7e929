//! The same act again, under the same key: carried out once, answered the same.

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tests::Reply;

use super::{Operator, actions, becomes, giving_up::garbled, order_for, pair, places};

/// At so many times at once, through both instances in turn.
const AT_ONCE: usize = 10;

async fn under(key: &str, operator: &Operator, path: &str, body: &Value) -> Reply {
    let request = operator.http.post(format!("{}{path}", operator.at)).header("idempotency-key", key).json(body);
    Reply::to(request).await.expect("an answer")
}

/// Asks for the same many times at once under one key, and then for something else. Shows the one answer that all have got.
async fn asked_at_once(operators: &[Operator; 2], path: &str, body: &Value) -> Value {
    let asked = (0..AT_ONCE).map(|n| under("k", &operators[n % 2], path, body));
    let replies = join_all(asked).await;
    let first = &replies[0];
    assert!(first.status.is_success(), "{path}: {first:?}");
    for reply in &replies {
        let same = (reply.status, &reply.body, reply.header("location"));
        assert_eq!(same, (first.status, &first.body, first.header("location")), "{path}");
    }
    let mut other = body.clone();
    other["reason"] = json!("for another reason");
    let reused = under("k", &operators[0], path, &other).await;
    assert!(reused.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"), "{path}: {reused:?}");
    first.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_asked_for_again_under_its_key_is_carried_out_once() {
    let (mut pair, shop) = pair("keyedacts").await;
    let (orders, deliveries) = pair.pools();
    let second = pair.env.delivery_service().instance("delivery-service-2").start().await;
    let operators = [Operator::of(&pair.deliveries), Operator::of(&second)];

    let order_id = garbled(&mut pair, &shop, &orders).await.to_string();
    let parked = operators[0].sees_parked("undecodable").await["id"].as_str().expect("an id").to_owned();
    let held = json!({ "what": "order", "name": order_id, "reason": "to see", "for_s": 600 });
    let pause = asked_at_once(&operators, "/pauses", &held).await["id"].as_str().expect("an id").to_owned();
    let set = json!({ "events": [parked], "reason": "a trial" });
    let replay = asked_at_once(&operators, "/replays", &set).await["id"].as_str().expect("an id").to_owned();
    let reason = json!({ "reason": "seen enough" });
    asked_at_once(&operators, &format!("/replays/{replay}/start"), &reason).await;
    asked_at_once(&operators, &format!("/pauses/{pause}/end"), &reason).await;
    asked_at_once(&operators, &format!("/parked-events/{parked}/giving-up"), &reason).await;
    becomes(&shop, &order_id, "cancelled").await;
    let again = json!({ "order_id": order_id, "reason": "a trial" });
    assert_eq!(asked_at_once(&operators, "/republications", &again).await["versions"], json!([1]));
    let mut acts = ["pause", "make_replay", "start_replay", "end_pause", "give_up", "republish"].to_vec();
    assert_eq!(actions(&deliveries).await, acts, "each of them once");
    let since = json!({ "since": "2020-01-01T00:00:00Z", "reason": "another trial" });
    let refused = under("k", &operators[0], "/republications", &since).await;
    assert!(refused.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"), "{refused:?}");
    let all = under("k2", &operators[0], "/republications", &since).await;
    let all_again = under("k2", &operators[1], "/republications", &since).await;
    assert_eq!(
        (all.status, &all.body),
        (StatusCode::ACCEPTED, &all_again.body),
        "also where it ends now, whenever that is"
    );
    acts.push("republish");
    assert_eq!(actions(&deliveries).await, acts);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_under_a_key_can_be_granted_under_it() {
    let (pair, shop) = pair("keyedrefusals").await;
    let operator = Operator::of(&pair.orders);
    let order_id = places(&shop, &order_for("Ada Lovelace")).await;
    let first = operator.pauses("order", &order_id, 600).await;
    let held = json!({ "what": "order", "name": order_id, "reason": "to see", "for_s": 600 });
    let refused = under("k", &operator, "/pauses", &held).await;
    assert!(refused.is_problem(StatusCode::CONFLICT, "already_paused"), "{refused:?}");
    operator.ends_pause(&first).await;
    assert_eq!(under("k", &operator, "/pauses", &held).await.status, StatusCode::CREATED);
}
