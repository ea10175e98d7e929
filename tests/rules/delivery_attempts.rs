//! What an attempt leaves behind: another place, and a line that says so.

use chrono::NaiveDate;
use delivery_service::domain::{Attempt, Command, Delivery, Plan, SlotChange, Status};

use crate::{
    delivery_lives::some_room,
    fixtures::{day, stamp},
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
    let Command::Attempt { note, .. } = command else {
        assert_eq!(after.attempts, before.attempts, "{at}");
        return;
    };
    let (last, earlier) = after.attempts.split_last().expect("an attempt");
    let date = before.slot.as_ref().expect("a slot").date;
    let next_date = after.slot.as_ref().map(|slot| slot.date).filter(|_| after.status == Status::Dispatched);
    let number = u32::try_from(after.attempts.len()).expect("few");
    assert_eq!(*last, Attempt { number, at: stamp(50).at, date, note: note.clone(), next_date }, "{at}");
    assert_eq!((earlier, after.promised_date()), (&before.attempts[..], before.promised_date()), "{at}");
}
