//! What an operator asks wrongly: everything that is wrong is named, and nothing is changed.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Operator, actions, pair};

/// The fields or parameters that a refusal names.
fn named(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let name = |error: &Value| error["field"].as_str().or(error["parameter"].as_str()).unwrap_or_default().to_owned();
    errors.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_whole_and_by_name() {
    let (pair, _) = pair("operatorerrors").await;
    let (orders, _) = pair.pools();
    let operator = Operator::of(&pair.orders);
    for (path, body, fields) in [
        ("/pauses", json!({}), vec!["/what", "/name", "/reason", "/for_s"]),
        (
            "/pauses",
            json!({ "what": "shop", "name": "x", "reason": "no", "for_s": 0 }),
            vec!["/reason", "/for_s", "/what"],
        ),
        ("/pauses", json!({ "what": "order", "name": "x", "reason": "a reason", "for_s": 1 }), vec!["/name"]),
        ("/pauses", json!({ "what": "topic", "name": "order", "reason": "a reason", "for_s": 1 }), vec!["/name"]),
        ("/replays", json!({ "reason": "a reason" }), vec![""]),
        ("/replays", json!({ "events": ["x"], "reason": "a reason" }), vec!["/events"]),
        (
            "/replays",
            json!({ "event_type": "", "error": "two\nlines", "reason": "a reason" }),
            vec!["/event_type", "/error"],
        ),
        (
            "/replays",
            json!({ "cause": "bad luck", "per_second": 0, "reason": "a reason" }),
            vec!["/cause", "/per_second"],
        ),
        ("/republications", json!({}), vec!["/reason", ""]),
        (
            "/republications",
            json!({ "since": "yesterday", "version": 1, "reason": "a reason" }),
            vec!["/since", "", "/version"],
        ),
        ("/republications", json!({ "since": "2999-01-01T00:00:00Z", "reason": "a reason" }), vec!["/since"]),
    ] {
        let refused = operator.asks(path, &body).await;
        assert!(refused.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"), "{path} {body}: {refused:?}");
        assert_eq!(named(&refused.json()), fields, "{path} {body}");
    }
    for path in [
        "/parked-events?cause=luck",
        "/parked-events?state=x&order_id=y&colour=z",
        "/parked-events?event_type=%20&error=%00",
        "/pauses?in_force=maybe",
    ] {
        let refused = tests::Reply::to(reqwest::Client::new().get(format!("{}{path}", pair.orders.url()))).await;
        assert!(refused.expect("an answer").is_problem(StatusCode::BAD_REQUEST, "invalid_query"), "{path}");
    }
    assert!(actions(&orders).await.is_empty(), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found_and_what_is_paused_is_paused_once() {
    let (pair, _) = pair("operatorconflicts").await;
    let operator = Operator::of(&pair.orders);
    let nobody = Uuid::nil();
    let why = json!({ "reason": "a reason" });
    for path in [
        format!("/pauses/{nobody}/end"),
        format!("/replays/{nobody}/start"),
        format!("/parked-events/{nobody}/giving-up"),
    ] {
        assert!(operator.asks(&path, &why).await.is_problem(StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    let nothing = operator.asks("/replays", &json!({ "cause": "gap", "reason": "a reason" })).await;
    assert!(nothing.is_problem(StatusCode::NOT_FOUND, "nothing_to_replay"), "{nothing:?}");

    let pause = operator.pauses("topic", "orders", 600).await;
    let again = json!({ "what": "topic", "name": "orders", "reason": "once more", "for_s": 5 });
    assert!(operator.asks("/pauses", &again).await.is_problem(StatusCode::CONFLICT, "already_paused"));
    operator.ends_pause(&pause).await;
    // Ended is ended: the second time changes nothing.
    let first = operator.get("/pauses").await;
    operator.does(&format!("/pauses/{pause}/end"), &why).await;
    assert_eq!(operator.get("/pauses").await, first);
    operator.does("/pauses", &again).await;
}
