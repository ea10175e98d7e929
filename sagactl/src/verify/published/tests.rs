use super::*;

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a moment").to_utc()
}

fn placed(text: &str) -> Uuid {
    OrderId::earliest_at(moment(text)).0
}

#[test]
fn what_was_placed_long_after_the_first_record_that_is_left_is_not_gone() {
    let mut cut = Cut(BTreeMap::from([(2, None)]));
    assert!(cut.concerns(placed("2026-12-01T12:00:00Z"), Some(2)), "nothing is left of the partition");
    cut.first_left(2, Some(moment("2026-12-01T08:00:00Z")));
    cut.first_left(2, Some(moment("2026-12-02T08:00:00Z")));
    cut.first_left(1, Some(moment("2026-12-02T08:00:00Z")));
    assert!(cut.concerns(placed("2026-12-01T08:59:00Z"), Some(2)));
    assert!(!cut.concerns(placed("2026-12-01T09:01:00Z"), Some(2)));
    assert!(!cut.concerns(placed("2026-12-01T08:00:00Z"), Some(1)), "this partition is whole");
    assert!(cut.concerns(placed("2026-12-01T08:00:00Z"), None), "it may have been on the other one");
}

#[test]
fn a_topic_that_is_whole_has_lost_nothing() {
    assert!(!Cut(BTreeMap::new()).concerns(Uuid::nil(), None));
}
