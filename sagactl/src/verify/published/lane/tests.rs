use uuid::Uuid;

use super::*;

fn event(n: u128) -> EventId {
    EventId(Uuid::from_u128(n))
}

fn said(partition: i32, offset: i64, version: i64, word: Word, id: u128) -> Said {
    Said { partition, offset, version: Version(version), what: Some((event(id), word)) }
}

fn unreadable(version: i64) -> Said {
    Said { partition: 0, offset: 0, version: Version(version), what: None }
}

/// What the first of these records that is against the rule shows.
fn against(records: &[Said], cut: bool) -> Option<String> {
    let mut lane = Lane::default();
    records.iter().find_map(|said| lane.add(said, cut))
}

const OUT: Word = Word::Dispatched;

#[test]
fn versions_in_order_and_their_repeats_are_as_they_should_be() {
    let once = [said(1, 0, 1, Word::Created, 1), said(1, 5, 2, OUT, 2)];
    assert_eq!(against(&once, false), None);
    assert_eq!(against(&[once[0], once[0], once[1], once[0], once[1]], false), None, "repeats");
    assert_eq!(against(&[once[0], unreadable(1)].map(|said| Said { partition: 1, ..said }), false), None);
    assert_eq!(against(&[said(1, 7, 2, OUT, 2), said(1, 8, 3, Word::Completed, 3)], true), None, "cut");
}

#[test]
fn what_is_out_of_order_is_said_with_its_place() {
    let first = said(1, 0, 1, Word::Created, 1);
    for (records, expected) in [
        (vec![said(1, 7, 2, OUT, 2)], "begins with version 2, partition 1, offset 7"),
        (vec![first, said(1, 7, 3, OUT, 2)], "has version 3, partition 1, offset 7, right after version 1"),
        (vec![first, said(2, 7, 2, OUT, 2)], "is on partition 1 and on another one: version 2, partition 2, offset 7"),
        (vec![first, said(1, 7, 1, OUT, 9)], "has version 1, partition 1, offset 7, as another event"),
    ] {
        let said = against(&records, false).unwrap_or_default();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn each_lane_is_complained_of_once() {
    let mut lane = Lane::default();
    let complaints = (1..5).filter(|n| lane.add(&said(0, *n, 3 * n, OUT, 1), false).is_some());
    assert_eq!(complaints.count(), 1);
}

#[test]
fn events_are_told_apart_by_their_ids() {
    let mut lane = Lane::default();
    assert!(lane.is_empty() && !lane.has(1));
    assert_eq!(lane.add(&said(0, 0, 1, Word::Created, 7), false), None);
    assert!(lane.has(1) && !lane.has(2) && !lane.is_empty());
    assert!(!lane.is_another(1, event(7)) && lane.is_another(1, event(8)));
    assert!(!lane.is_another(2, event(8)), "nothing is known of version 2");
    assert_eq!(lane.add(&unreadable(2), false), None);
    assert!(lane.has(2) && !lane.is_another(2, event(8)));
}

fn second_word(words: &[Word]) -> Option<String> {
    let mut lane = Lane::default();
    for (version, word) in (1..).zip(words) {
        assert_eq!(lane.add(&said(0, version, version, *word, version.unsigned_abs().into()), false), None);
    }
    lane.second_word()
}

#[test]
fn a_second_outcome_and_a_second_answer_are_named() {
    assert_eq!(second_word(&[Word::Created, OUT, Word::FailedInTransit]), None);
    assert_eq!(second_word(&[Word::Cancelled]), None);
    for (words, expected) in [
        (
            &[Word::Created, Word::FailedAtCreation][..],
            "DeliveryFailed (creation) as version 2, on partition 0: a second outcome",
        ),
        (&[Word::Cancelled, Word::Created], "DeliveryCreated as version 2, on partition 0: a second outcome"),
        (&[Word::Created, Word::Cancelled, OUT], "DeliveryDispatched as version 3, on partition 0: a second answer"),
        (&[Word::FailedAtCreation, Word::Cancelled], "DeliveryCancelled as version 2, on partition 0: a second answer"),
        (&[OUT], "begins with DeliveryDispatched"),
        (&[Word::Created, Word::Completed], "nothing led to it"),
        (&[Word::OrderCompleted, Word::OrderCompleted], "nothing led to it"),
        (&[Word::OrderCompleted; 5], "has 5 versions"),
    ] {
        let said = second_word(words).unwrap_or_default();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn whether_something_was_said_is_not_known_of_what_cannot_be_decoded() {
    let mut lane = Lane::default();
    assert_eq!(lane.says(Word::is_answer), Some(false));
    assert_eq!(lane.add(&said(0, 0, 1, Word::Created, 1), false), None);
    assert_eq!(lane.says(Word::is_answer), Some(false));
    assert_eq!(lane.add(&unreadable(2), false), None);
    assert_eq!(lane.says(Word::is_answer), None);
    assert_eq!(lane.says(Word::is_outcome), Some(true));
}
