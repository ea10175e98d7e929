//! The order's deadlines.

use chrono::{DateTime, TimeDelta, Utc};
use order_service::domain::{
    ASKS_BEFORE_ATTENTION, Attention, CancelledBy, Command, Decision, Order, Status, Terms, TooEarly, WaitingFor,
    WayBack, What,
};
use shared_events::{Announce, OrderId, Stamp};
use uuid::Uuid;

use super::{Cell, NONE, Until, waits};
use crate::{
    fixtures::{day, stamp},
    order_lives::{OPEN, Step, TERMS, cancelled, created, dispatched, events, live, lives},
    order_table::Row,
};

/// 8 rows × what for, until when.
pub const ORDER_DEADLINES: [(Row, [Cell; 2]); 8] = [
    (Row::Completed, waits("delivery_outcome", Until::Outcome)),
    (Row::Confirmed, waits("dispatch", Until::Day)),
    (Row::CancellingHeld, waits("cancellation_answer", Until::Answer)),
    (Row::CancellingCaptured, waits("cancellation_answer", Until::Answer)),
    (Row::InDelivery, waits("delivery", Until::DayOrDispatch)),
    (Row::Delivered, NONE),
    (Row::Cancelled, NONE),
    (Row::Returned, NONE),
];

fn end_of(after: u64) -> DateTime<Utc> {
    day(after + 1).and_hms_opt(0, 0, 0).expect("midnight").and_utc()
}

/// The moment and ids that are so long after the first ones.
fn later(n: u64, after: TimeDelta) -> Stamp {
    let stamp = stamp(n);
    Stamp { at: stamp.at + after, ..stamp }
}

/// Its time is up for the `n`th time; everybody speaks.
fn passed(order: &Order, n: u64) -> Decision {
    order.clone().overdue(OPEN, &TERMS, stamp(n)).due(&TERMS)
}

#[test]
fn every_wait_has_the_deadline_that_the_table_gives_it() {
    for (row, [what, until]) in ORDER_DEADLINES {
        for life in lives(row) {
            let order = live(&life);
            let began = stamp(u64::try_from(life.len()).expect("short") + 1).at;
            let expected = match until {
                Cell::Until(Until::Outcome) => Some(began + TERMS.outcome),
                Cell::Until(Until::Answer) => Some(began + TERMS.cancellation),
                // Every delivery of these lives is promised for the day after tomorrow, and leaves before.
                Cell::Until(Until::Day | Until::DayOrDispatch) => Some(end_of(2) + TERMS.late_after),
                Cell::Nothing => None,
                Cell::Awaits(_) => panic!("{row}: not in this column"),
            };
            let waits_for = order.waiting_for().map(WaitingFor::name);
            let what = if let Cell::Awaits(what) = what { Some(what) } else { None };
            assert_eq!((waits_for, order.deadline), (what, expected), "{row} after {life:?}");
            assert_eq!((order.attention, order.deadline_extended), (None, 0), "{row} after {life:?}");
        }
    }
}

#[test]
fn what_leaves_a_status_as_it_is_leaves_its_deadline() {
    for (row, _) in ORDER_DEADLINES.into_iter().filter(|(_, cells)| *cells != NONE) {
        for (life, column) in lives(row).iter().flat_map(|life| (0..8).map(move |column| (life, column))) {
            let before = live(life);
            for event in events(column) {
                let after = before.clone().react(&event, stamp(50)).due(&TERMS).order;
                if after.status == before.status {
                    assert_eq!(after.deadline, before.deadline, "{row} × {event:?}");
                }
            }
        }
    }
}

#[test]
fn what_leaves_after_its_day_has_as_much_time_from_then_on() {
    let confirmed = live(&[Step::Event(created())]);
    let late = later(3, TimeDelta::days(10));
    let left = confirmed.react(&dispatched(), late).due(&TERMS).order;
    assert_eq!(left.deadline, Some(late.at + TERMS.late_after));
}

#[test]
fn an_order_waits_once_more_where_asking_would_be_too_early() {
    let placed = live(&[]);
    let (older, younger) = (OrderId(Uuid::nil()), OPEN.heard);
    let way = |held_up, heard| WayBack { held_up, heard };
    for (way, reason) in [
        (way(Some(TooEarly::Unsent), younger), TooEarly::Unsent),
        (way(Some(TooEarly::Parked), younger), TooEarly::Parked),
        (way(Some(TooEarly::Unsent), None), TooEarly::Unsent),
        (way(None, None), TooEarly::Silent),
        (way(None, Some(older)), TooEarly::Silent),
    ] {
        let decision = placed.clone().overdue(way, &TERMS, stamp(700)).due(&TERMS);
        let order = &decision.order;
        assert_eq!(decision.change.map(|change| change.what), Some(What::DeadlineExtended(reason)), "{way:?}");
        assert_eq!((order.status, &decision.announce), (Status::Completed, &Announce::Nothing), "{way:?}");
        assert_eq!((order.deadline, order.deadline_extended), (Some(stamp(700).at + TERMS.outcome), 1), "{way:?}");
    }
    for way in [OPEN, way(None, Some(placed.id))] {
        let decision = placed.clone().overdue(way, &TERMS, stamp(700));
        assert_eq!(decision.order.status, Status::Cancelling, "{way:?}");
    }
}

#[test]
fn an_order_waits_once_more_only_so_many_times() {
    let silent = WayBack { held_up: None, heard: None };
    let mut order = live(&[]);
    for n in 1..=TERMS.extensions {
        order = order.overdue(silent, &TERMS, stamp(u64::from(n) * 1_000)).due(&TERMS).order;
        assert_eq!((order.status, order.deadline_extended), (Status::Completed, n));
    }
    let asked = order.overdue(silent, &TERMS, stamp(9_000)).due(&TERMS);
    assert!(matches!(asked.announce, Announce::New(_)));
    assert_eq!((asked.order.status, asked.order.deadline_extended), (Status::Cancelling, 0));
    let never = Terms { extensions: 0, ..TERMS };
    assert_eq!(live(&[]).overdue(silent, &never, stamp(9)).order.status, Status::Cancelling);
}

#[test]
fn only_the_outcome_is_waited_for_once_more() {
    let way = |held_up| WayBack { held_up: Some(held_up), heard: None };
    for (row, held_up) in [
        (Row::Confirmed, TooEarly::Unsent),
        (Row::InDelivery, TooEarly::Unsent),
        (Row::CancellingHeld, TooEarly::Parked),
        (Row::CancellingCaptured, TooEarly::Parked),
    ] {
        for life in lives(row) {
            let order = live(&life);
            let passed = order.clone().overdue(OPEN, &TERMS, stamp(70));
            assert_eq!(order.overdue(way(held_up), &TERMS, stamp(70)), passed, "{row}");
        }
    }
}

#[test]
fn a_question_that_has_not_gone_out_is_not_asked_again_and_counts_against_nobody() {
    let unsent = WayBack { held_up: Some(TooEarly::Unsent), heard: None };
    for life in [Row::CancellingHeld, Row::CancellingCaptured].into_iter().flat_map(lives) {
        let asked = live(&life);
        let mut order = asked.clone();
        for n in 1..=u64::from(ASKS_BEFORE_ATTENTION) + 3 {
            let decision = order.overdue(unsent, &TERMS, stamp(n * 1_000)).due(&TERMS);
            assert_eq!((&decision.announce, decision.change), (&Announce::Nothing, None));
            order = decision.order;
            let deadline = Some(stamp(n * 1_000).at + TERMS.cancellation);
            assert_eq!(order, Order { deadline, ..asked.clone() }, "only the deadline has moved");
        }
    }
}

#[test]
fn an_unanswered_cancellation_is_repeated_for_ever_but_ever_more_rarely_once_somebody_has_to_look() {
    let mut order = live(&[Step::Cancel(CancelledBy::Customer)]);
    let mut waits = vec![];
    for n in 1..=u64::from(ASKS_BEFORE_ATTENTION) + 9 {
        let decision = passed(&order, n * 100_000);
        assert_eq!(decision.announce, Announce::Again(order.version));
        order = decision.order;
        let minutes = order.deadline.map(|due| (due - stamp(n * 100_000).at).num_minutes());
        waits.push((minutes.expect("a deadline"), order.attention.is_some()));
    }
    let flagged = [2, 4, 8, 16, 32, 64, 64, 64, 64, 64].map(|minutes| (minutes, true));
    assert_eq!(waits, [&[(1, false); 4][..], &flagged[..]].concat());
}

#[test]
fn a_late_parcel_is_flagged_and_not_again() {
    for (row, attention) in [(Row::Confirmed, Attention::LateDispatch), (Row::InDelivery, Attention::LateDelivery)] {
        for life in lives(row) {
            let late = passed(&live(&life), 900_000).order;
            assert_eq!((late.attention, late.deadline), (Some(attention), None), "{row}: nothing more to wait for");
            assert_eq!(passed(&late, 900_001).change, None, "{row}: flagged already");
            // What is impossible moves nothing, also not the flag.
            let after = late.clone().react(&cancelled(), stamp(900_002)).due(&TERMS).order;
            assert_eq!((after.attention, after.deadline), (Some(attention), None), "{row}");
        }
    }
}

#[test]
fn a_flag_goes_when_the_order_moves_on() {
    for row in [Row::Confirmed, Row::InDelivery, Row::CancellingHeld, Row::CancellingCaptured] {
        let life = lives(row).swap_remove(0);
        let mut flagged = live(&life);
        for n in 0..=u64::from(ASKS_BEFORE_ATTENTION) {
            flagged = passed(&flagged, 900_000 + n).order;
        }
        assert!(flagged.attention.is_some(), "{row}");
        let heard = (0..8).flat_map(events).map(|event| flagged.clone().react(&event, stamp(950_000)).due(&TERMS));
        let asked = flagged.clone().decide(Command::Cancel { by: CancelledBy::Customer }, stamp(950_000));
        let moved: Vec<Order> = heard
            .chain(asked.into_iter().map(|decision| decision.due(&TERMS)))
            .map(|decision| decision.order)
            .collect();
        let moved: Vec<_> = moved.iter().filter(|order| order.status != flagged.status).collect();
        assert!(!moved.is_empty(), "{row}: nothing moves it");
        for order in moved {
            assert_eq!(order.attention, None, "{row} → {}", order.status);
            assert_eq!(order.deadline.is_some(), order.waiting_for().is_some(), "{row} → {}", order.status);
        }
    }
}
