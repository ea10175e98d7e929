//! Every cause for which an order can wait is shown by a test.

use chassis::messaging::stuck::Cause as OwnCause;
use sagactl::stuck::Cause;

use super::{Source, read, rust, sources::has_word};

/// The test that brings a cause about and sees `sagactl stuck` name it. For a new cause somebody has to say which.
fn shown_by(cause: Cause) -> &'static str {
    match cause {
        Cause::Lost => "an_event_whose_pointer_vanished_before_it_went_out_is_lost",
        Cause::CompensationFailing => "a_cancellation_that_was_asked_for_again_and_again_is_failing",
        Cause::Parked => "an_answer_that_the_order_side_cannot_write_down_is_parked_and_its_journey_says_so",
        Cause::ParkedAtThePeer => "an_order_that_the_delivery_side_cannot_write_down_is_parked_at_the_peer",
        Cause::Paused => "an_order_that_is_held_back_is_paused_and_the_one_behind_it_is_not",
        Cause::NotPublished => "an_event_that_nobody_relays_is_not_published",
        Cause::BrokerAway => "an_event_that_waits_for_a_broker_says_that_the_broker_is_away",
        Cause::PeerBehind => "a_consumer_that_cannot_write_is_behind_by_so_many_records",
        Cause::Late | Cause::DeadlineNotReached => "a_parcel_has_time_until_its_day_is_over_and_is_late_then",
        // On a pair it is there for a moment only, too short to be waited for.
        Cause::AwaitingPeer => "what_seemed_lost_and_was_not_missing_before_is_on_its_way",
    }
}

/// The same for what a side says by itself (`GET /stuck`), with the words by which the test knows it.
fn listed_by(cause: OwnCause) -> (&'static str, &'static str) {
    match cause {
        OwnCause::NotPublished => ("an_event_that_nobody_relays_is_not_published", "\"not_published\""),
        OwnCause::BrokerAway => ("an_event_that_waits_for_a_broker_says_that_the_broker_is_away", "\"broker_away\""),
        OwnCause::Parked => {
            ("an_answer_that_the_order_side_cannot_write_down_is_parked_and_its_journey_says_so", "\"parked\"")
        }
        OwnCause::Paused => ("an_order_that_is_held_back_is_paused_and_the_one_behind_it_is_not", "\"paused\""),
        OwnCause::DeadlineNotReached => {
            ("a_parcel_has_time_until_its_day_is_over_and_is_late_then", "\"deadline_not_reached\"")
        }
        OwnCause::Late => ("a_parcel_has_time_until_its_day_is_over_and_is_late_then", "\"late\""),
        OwnCause::CompensationFailing => {
            ("a_cancellation_that_was_asked_for_again_and_again_is_failing", "\"compensation_failing\"")
        }
        OwnCause::AwaitingPeer => ("an_event_whose_pointer_vanished_before_it_went_out_is_lost", "\"awaiting_peer\""),
        // What waits for nothing is on no list.
        OwnCause::Nothing => ("what_lies_here_comes_before_what_is_waited_for", "Cause::Nothing"),
    }
}

fn tests() -> Vec<Source> {
    let pure = ["sagactl/src/stuck/judge/tests.rs", "chassis/src/messaging/stuck.rs"].map(read);
    rust("tests/saga/stuck").into_iter().chain(pure).collect()
}

/// What a test says, from its name to the brace that stands as far in as its beginning.
fn body<'a>(tests: &'a [Source], name: &str) -> Option<&'a str> {
    tests.iter().find_map(|source| {
        let (before, _) = source.text.split_once(&format!("fn {name}("))?;
        let (earlier, line) = before.rsplit_once('\n')?;
        earlier.trim_end().rsplit('\n').next().filter(|line| line.contains("test"))?;
        let end = format!("\n{}}}", &line[..line.len() - line.trim_start().len()]);
        let body = &source.text[before.len()..];
        Some(&body[..body.find(&end)?])
    })
}

/// Whether such a test is there and says this.
fn says(tests: &[Source], name: &str, word: &str) -> Result<(), String> {
    let body = body(tests, name).ok_or_else(|| format!("there is no test {name}"))?;
    if has_word(body, word) { Ok(()) } else { Err(format!("{name} says nothing of {word}")) }
}

/// The variants of an enum, as they stand in its source.
fn variants<'a>(source: &'a Source, name: &str) -> Vec<&'a str> {
    let (_, rest) = source.text.split_once(&format!("pub enum {name} {{\n")).expect("the enum");
    let (inside, _) = rest.split_once("\n}").expect("its end");
    inside.lines().filter_map(|line| line.trim().strip_suffix(',')).filter(|line| !line.starts_with("//")).collect()
}

const OWN: [OwnCause; 9] = [
    OwnCause::NotPublished,
    OwnCause::BrokerAway,
    OwnCause::Parked,
    OwnCause::Paused,
    OwnCause::DeadlineNotReached,
    OwnCause::Late,
    OwnCause::CompensationFailing,
    OwnCause::AwaitingPeer,
    OwnCause::Nothing,
];

#[test]
fn every_cause_that_the_operators_command_names_is_shown_by_a_test() {
    let tests = tests();
    for cause in Cause::ALL {
        says(&tests, shown_by(cause), &format!("Cause::{cause:?}")).expect("a test for it");
    }
    let named = Cause::ALL.map(|cause| format!("{cause:?}"));
    assert_eq!(variants(&read("sagactl/src/stuck/judge.rs"), "Cause"), named, "all of them");
}

#[test]
fn every_cause_that_a_side_names_by_itself_is_shown_by_a_test() {
    let tests = tests();
    for cause in OWN {
        let (name, word) = listed_by(cause);
        says(&tests, name, word).expect("a test for it");
    }
    let named = OWN.map(|cause| format!("{cause:?}"));
    assert_eq!(variants(&read("chassis/src/messaging/stuck.rs"), "Cause"), named, "all of them");
}

#[test]
fn these_rules_can_fail() {
    let text = "mod tests {\n    #[test]\n    fn it_is_late() {\n        see(OwnCause::Lost, Cause::LateAgain);\n    }\n\n    fn helps() {\n    }\n}\n\
                pub enum Cause {\n    /// Its time is up,\n    Late,\n    Lost,\n}\n";
    let tests = [Source::made_up("tests/saga/stuck/made_up.rs", text)];
    assert_eq!(says(&tests, "it_is_late", "Cause::LateAgain"), Ok(()));
    for part in ["Cause::Late", "Cause::Lost"] {
        assert!(says(&tests, "it_is_late", part).is_err(), "{part}: a part of another word");
    }
    assert!(says(&tests, "it_is_late", "helps").is_err(), "of another function");
    assert!(says(&tests, "helps", "helps").is_err(), "no test");
    assert!(says(&tests, "it_is_lost", "Cause::Lost").is_err(), "not there");
    assert_eq!(variants(&tests[0], "Cause"), ["Late", "Lost"]);
}
