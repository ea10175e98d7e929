//! The delivery's deadlines.

use chrono::{DateTime, TimeDelta, Utc};
use delivery_service::domain::{Attention, Command, Decision, Delivery, Status, WaitingFor};
use shared_events::{Announce, Slot, Stamp};

use super::{Cell, NONE, Until, waits};
pub use crate::fixtures::DELIVERY_TERMS as TERMS;
use crate::{
    delivery_lives::{after, asked, assigned, deliveries, events, proof},
    delivery_table::{COMMANDS, Row, StaffRow},
    fixtures::{couriers, day, stamp},
};

/// 7 statuses × what for, until when.
pub const DELIVERY_DEADLINES: [(Row, [Cell; 2]); 7] = [
    (Row(Some(Status::Void)), NONE),
    (Row(Some(Status::Refused)), NONE),
    (Row(Some(Status::Scheduled)), waits("dispatch", Until::Day)),
    (Row(Some(Status::Dispatched)), waits("delivery", Until::DayOrDispatch)),
    (Row(Some(Status::Failed)), NONE),
    (Row(Some(Status::Delivered)), NONE),
    (Row(Some(Status::Cancelled)), NONE),
];

fn late_from(day_after: u64) -> DateTime<Utc> {
    day(day_after + 1).and_hms_opt(0, 0, 0).expect("midnight").and_utc() + TERMS.late_after
}

/// Anything that is decided about it and leaves it as it is.
fn looked_at(delivery: Delivery, at: Stamp) -> Delivery {
    let event = events(2).swap_remove(0);
    let status = delivery.status;
    let decision = match status {
        Status::Scheduled => asked(delivery, Command::AssignCourier { courier: "bo".to_owned() }, &mut couriers(5), at),
        Status::Dispatched
        | Status::Void
        | Status::Refused
        | Status::Failed
        | Status::Delivered
        | Status::Cancelled => Ok(delivery.react(&event, at)),
    };
    let looked_at = decision.expect("granted").due(&TERMS).delivery;
    assert_eq!(looked_at.status, status);
    looked_at
}

fn overdue(delivery: &Delivery, at: Stamp) -> Decision {
    delivery.clone().overdue(at).due(&TERMS)
}

fn days_later(days: i64) -> Stamp {
    Stamp { at: stamp(60).at + TimeDelta::days(days), ..stamp(60) }
}

fn dispatched(at: Stamp) -> Delivery {
    let decision = asked(after(&[assigned()]), Command::Dispatch, &mut couriers(5), at);
    decision.expect("granted").due(&TERMS).delivery
}

#[test]
fn every_wait_has_the_deadline_that_the_table_gives_it() {
    for (Row(status), [what, until]) in DELIVERY_DEADLINES {
        let rows = COMMANDS.into_iter().map(|(row, _)| row).filter(|row| row.status() == status);
        for delivery in rows.flat_map(deliveries) {
            let delivery = looked_at(delivery, stamp(50));
            // Every one of these has a place on the first day that can be booked, or after an attempt on the second, and leaves before.
            let day = if delivery.attempts.is_empty() { 1 } else { 2 };
            let expected = (until != Cell::Nothing).then(|| late_from(day));
            let waits_for = delivery.waiting_for().map(WaitingFor::name);
            let what = if let Cell::Awaits(what) = what { Some(what) } else { None };
            assert_eq!((waits_for, delivery.deadline, delivery.attention), (what, expected, None), "{delivery:?}");
        }
    }
}

#[test]
fn what_leaves_after_its_day_has_as_much_time_from_then_on_and_no_more_for_being_looked_at() {
    let late = days_later(10);
    let delivery = dispatched(late);
    assert_eq!(delivery.deadline, Some(late.at + TERMS.late_after));
    assert_eq!(looked_at(delivery.clone(), days_later(20)).deadline, delivery.deadline);
}

#[test]
fn a_late_delivery_is_flagged_until_it_moves_on_and_nothing_is_announced() {
    for (delivery, attention) in [
        (looked_at(after(&[assigned()]), stamp(50)), Attention::LateDispatch),
        (dispatched(stamp(51)), Attention::LateDelivery),
    ] {
        let decision = overdue(&delivery, days_later(10));
        assert_eq!((&decision.announce, decision.delivery.status), (&Announce::Nothing, delivery.status));
        let late = decision.delivery;
        assert_eq!((late.attention, late.deadline), (Some(attention), None));
        let still = looked_at(late.clone(), days_later(11));
        assert_eq!((still.attention, still.deadline), (Some(attention), None));
        let on = match delivery.status {
            Status::Scheduled => Command::Dispatch,
            Status::Void
            | Status::Refused
            | Status::Dispatched
            | Status::Failed
            | Status::Delivered
            | Status::Cancelled => Command::Complete { proof: proof() },
        };
        let moved = asked(late, on, &mut couriers(5), days_later(12)).expect("granted").due(&TERMS).delivery;
        assert_eq!((moved.attention, moved.deadline.is_some()), (None, moved.waiting_for().is_some()));
    }
}

#[test]
fn another_day_moves_the_deadline_and_makes_good_what_was_late() {
    let on_day = |mut delivery: Delivery, after: u64| {
        delivery.slot = Some(Slot { zone: "berlin".to_owned(), date: day(after) });
        delivery
    };
    for delivery in [looked_at(after(&[]), stamp(50)), dispatched(stamp(51))] {
        let moved = looked_at(on_day(delivery.clone(), 9), stamp(52));
        assert_eq!(moved.deadline, Some(late_from(9)));
        let late = overdue(&delivery, days_later(5)).delivery;
        let moved = looked_at(on_day(late.clone(), 9), days_later(5));
        assert_eq!((moved.attention, moved.deadline), (None, Some(late_from(9))));
        let gone_by = looked_at(on_day(late, 3), days_later(5));
        assert!(gone_by.attention.is_some(), "a day that has gone by makes nothing good");
    }
}

#[test]
fn the_table_has_every_status() {
    for status in Status::ALL {
        assert!(DELIVERY_DEADLINES.iter().any(|(row, _)| *row == Row(Some(status))), "{status}");
    }
    assert!(COMMANDS.iter().any(|(row, _)| *row == StaffRow::None));
}
