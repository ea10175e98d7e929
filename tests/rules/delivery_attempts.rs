//! What an attempt leaves behind: another place, and a line that says so.

use chrono::NaiveDate;
use delivery_service::domain::{Attempt, Command, Delivery, Plan, Refusal, SlotChange, Status};

use crate::{
    delivery_lives::{after, asked, assigned, attempt, some_room},
    fixtures::{couriers, day, stamp},
};

/// Some room, in which the delivery has its place.
pub fn room_with(delivery: &Delivery) -> Plan {
    let mut room = some_room();
    let is_held = matches!(delivery.status, Status::Scheduled | Status::Dispatched);
    delivery.slot.iter().filter(|_| is_held).for_each(|slot| room.apply(&SlotChange::Take(slot.clone())));
    room
}

/// The third day of [`some_room`] is full.
pub fn next_day_with_room(after: NaiveDate) -> NaiveDate {
    [2, 4, 5].map(day).into_iter().find(|later| *later > after).expect("a day")
}

/// Each attempt is written down, and nothing else is written down as one.
pub fn check_attempts(before: &Delivery, after: &Delivery, command: &Command, at: &str) {
    let recorded = u32::try_from(before.attempts.len()).expect("few");
    let note = match command {
        Command::Attempt { number, note, .. } if *number == recorded + 1 => note,
        Command::Attempt { .. }
        | Command::AssignCourier { .. }
        | Command::Dispatch
        | Command::Complete { .. }
        | Command::Fail { .. } => {
            assert_eq!(after.attempts, before.attempts, "{at}");
            return;
        }
    };
    let (last, earlier) = after.attempts.split_last().expect("an attempt");
    let date = before.slot.as_ref().expect("a slot").date;
    let next_date = after.slot.as_ref().map(|slot| slot.date).filter(|_| after.status == Status::Dispatched);
    assert_eq!(*last, Attempt { number: recorded + 1, at: stamp(50).at, date, note: note.clone(), next_date }, "{at}");
    assert_eq!((earlier, after.promised_date()), (&before.attempts[..], before.promised_date()), "{at}");
}

#[test]
fn an_attempt_that_is_neither_the_next_nor_the_last_recorded_is_refused_with_the_one_expected() {
    let twice = after(&[assigned(), Command::Dispatch, attempt(1, None), attempt(2, None)]);
    let cases = [
        (after(&[assigned(), Command::Dispatch]), vec![0, 2, u32::MAX], 1),
        (after(&[assigned(), Command::Dispatch, attempt(1, None)]), vec![0, 3, 4], 2),
        (twice, vec![0, 1, 4], 3),
    ];
    for (parcel, numbers, expected) in cases {
        for number in numbers {
            let refused = asked(parcel.clone(), attempt(number, None), &mut couriers(5), stamp(50));
            assert_eq!(refused, Err(Refusal::WrongAttempt { expected }), "{number}");
        }
    }
}
