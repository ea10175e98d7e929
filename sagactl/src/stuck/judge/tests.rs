use super::*;

const ORDER: Uuid = Uuid::nil();

fn lane(announced: &str) -> Lane {
    serde_json::from_str(announced).expect("a lane")
}

/// A lane in which this event was announced as the first, and went out unless it is `unsent`.
fn announced(event: &str, unsent: Option<&str>) -> Lane {
    let unsent = unsent.map_or("null".to_owned(), |since| format!("{since:?}"));
    lane(&format!(
        r#"{{"announced": [{{"version": 1, "event": "{event}", "event_id": "{ORDER}", "at": "2026-11-29T10:00:00Z", "cause_id": "x",
             "unsent_since": {unsent}}}], "seen": null, "parked": [], "held": []}}"#
    ))
}

/// A lane in which the order side's first event is parked, and not tried again for now.
fn parked(cause: &str) -> Lane {
    lane(&format!(
        r#"{{"announced": [], "seen": null, "held": [], "parked": [{{"id": "{ORDER}", "version": 1, "event": "OrderCancelled",
             "cause": "{cause}", "error": "why", "attempts": 1, "since": "2026-11-29T10:00:00Z", "next_attempt_at": null,
             "resolved_at": null, "resolution": null}}]}}"#
    ))
}

fn item(cause: OwnCause, detail: &str, lane: Lane) -> Item {
    let (status, since, waiting_for, attention) = (None, None, None, None);
    Item { order_id: ORDER, status, since, waiting_for, attention, cause, detail: detail.to_owned(), lane }
}

fn saga(orders: Item, deliveries: Option<Item>) -> Saga {
    let lanes =
        Sides { orders: Some(orders.lane.clone()), deliveries: deliveries.as_ref().map(|item| item.lane.clone()) };
    Saga { items: Sides { orders: Some(orders), deliveries }, lanes }
}

fn judged(saga: &Saga) -> Verdict {
    judge(ORDER, saga, &Lags::default()).expect("it waits")
}

#[test]
fn a_failing_undoing_names_what_lies_at_the_other_side() {
    let asked = || item(OwnCause::CompensationFailing, "asked 3 times", announced("OrderCancelled", None));
    let unsent = || announced("DeliveryCancelled", Some("2026-11-29T10:00:00Z"));
    for (cause, there) in [
        (OwnCause::Parked, parked("rejected")),
        (OwnCause::Paused, parked("paused")),
        (OwnCause::Paused, unsent()),
        (OwnCause::NotPublished, unsent()),
        (OwnCause::BrokerAway, unsent()),
    ] {
        let verdict = judged(&saga(asked(), Some(item(cause, "it lies here", there))));
        assert_eq!((verdict.cause, verdict.at), (Cause::CompensationFailing, Side::OrderService), "{cause:?}");
        assert_eq!(verdict.detail, "asked 3 times; delivery-service says: it lies here", "{cause:?}");
    }
}

#[test]
fn a_failing_undoing_of_which_nothing_lies_there_names_what_is_on_its_way() {
    let asked = item(OwnCause::CompensationFailing, "asked 3 times", announced("OrderCancelled", None));
    let waits = item(OwnCause::DeadlineNotReached, "a person has until noon", Lane::default());
    let detail = judged(&saga(asked.clone(), Some(waits))).detail;
    assert!(
        detail.starts_with("asked 3 times; OrderCancelled v1 is published, and delivery-service has not seen it"),
        "{detail}"
    );
    let detail = judged(&saga(asked, None)).detail;
    assert!(
        detail.starts_with("asked 3 times; OrderCancelled v1 is published; delivery-service does not answer"),
        "{detail}"
    );
}

#[test]
fn what_lies_at_the_other_side_changes_no_other_cause() {
    let unsent = announced("OrderCompleted", Some("2026-11-29T10:00:00Z"));
    let verdict = judged(&saga(
        item(OwnCause::NotPublished, "it waits", unsent),
        Some(item(OwnCause::Parked, "it lies here", parked("gap"))),
    ));
    assert_eq!((verdict.cause, verdict.detail.as_str()), (Cause::NotPublished, "it waits"));
}

#[test]
fn what_seemed_lost_and_was_not_missing_before_is_on_its_way() {
    let answered = saga(item(OwnCause::AwaitingPeer, "it has gone out", Lane::default()), None);
    let answered = Saga { lanes: Sides { deliveries: Some(Lane::default()), ..answered.lanes }, ..answered };
    let verdict = judged(&answered);
    let missing = verdict.suspected().cloned().expect("nothing shows that it is not lost");
    assert_eq!(verdict.clone().confirmed(&missing).cause, Cause::Lost);
    assert_eq!(verdict.confirmed(&BTreeSet::new()).cause, Cause::AwaitingPeer);
}
