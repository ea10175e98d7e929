//! What the relay reads in the outbox: where it goes on, and how much at a time.
//!
//! The outbox is the truth, and a place in it is only a hint: a transaction that commits late puts its pointer before it. So reading
//! begins anew as soon as a page comes back short, and several times a second in any case. The hint may delay, and never loses.

use std::{
    collections::{HashSet, VecDeque},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::{
    database::answered,
    messaging::outbox::{self, Pending},
    planted::{Bug, planted},
};

/// How long nothing is read again from the beginning, at most, whatever goes on.
pub(crate) const BEGIN_EVERY: Duration = Duration::from_millis(250);
/// A page has so many pointers where there is little, twice as many each time while there is more, and that many at most.
const SHORTEST: usize = 500;
const LONGEST: usize = 2_000;
/// About how many bytes a page has at most, if its events are as large as those of the page before.
const BYTES: usize = 2 * 1024 * 1024;

/// How far this process has ever read: of use to [`Bug::CursorRelay`] only.
static CURSOR: AtomicI64 = AtomicI64::new(0);

/// What was read and is not sent yet, and where reading goes on.
#[derive(Debug)]
pub(super) struct Pages {
    read: VecDeque<Pending>,
    /// All pointers up to here have been read since the beginning.
    after: i64,
    /// How many pointers the next page has at most.
    most: usize,
    goes_on: bool,
    begun: Option<Instant>,
    look_again: bool,
}

/// Which page to read.
pub(super) struct Wanted {
    after: i64,
    most: usize,
    held_back: HashSet<OrderId>,
}

/// A part of the outbox.
pub(super) struct Page {
    pointers: usize,
    last: i64,
    events: Vec<Pending>,
}

impl Pages {
    /// Nothing has been read.
    pub fn unread() -> Self {
        Self { read: VecDeque::new(), after: 0, most: SHORTEST, goes_on: false, begun: None, look_again: false }
    }

    pub fn next(&mut self) -> Option<Pending> {
        self.read.pop_front()
    }

    /// It comes next once more.
    pub fn put_back(&mut self, pending: Pending) {
        self.read.push_front(pending);
    }

    /// Whether all that was read is sent.
    pub fn are_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// Whether more is waiting than was read.
    pub fn go_on(&self) -> bool {
        self.goes_on
    }

    /// There may be something now that could not go out when the outbox was last read.
    pub fn look_again(&mut self) {
        self.look_again = true;
    }

    /// Whether it is time to read, without anybody having called for it.
    pub fn are_due(&self) -> bool {
        self.look_again || self.goes_on || self.must_begin()
    }

    fn must_begin(&self) -> bool {
        self.begun.is_none_or(|begun| begun.elapsed() >= BEGIN_EVERY)
    }

    /// Whether the next page is one from the beginning.
    pub fn begins(&self) -> bool {
        !self.goes_on || self.must_begin()
    }

    /// The page to read next. These orders are passed over.
    pub fn wanted(&mut self, held_back: HashSet<OrderId>) -> Wanted {
        if self.begins() {
            (self.after, self.begun, self.look_again) = (0, Some(Instant::now()), false);
        }
        Wanted { after: self.after, most: self.most, held_back }
    }

    /// This is the page that was wanted.
    pub fn take_in(&mut self, page: Page) {
        let bytes: usize = page.events.iter().map(Pending::bytes).sum();
        let that_fit = (BYTES * page.events.len()).checked_div(bytes).unwrap_or(LONGEST);
        self.goes_on = page.pointers >= self.most;
        self.most = if self.goes_on { (self.most * 2).min(LONGEST).min(that_fit) } else { SHORTEST };
        self.after = page.last;
        self.read.extend(page.events);
    }
}

/// The page that is wanted, if one is.
pub(super) async fn read(pool: PgPool, topic: Topic, wanted: Option<Wanted>) -> sqlx::Result<Option<Page>> {
    let Some(Wanted { after, most, held_back }) = wanted else { return Ok(None) };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let after = if planted(Bug::CursorRelay) { CURSOR.load(Ordering::Relaxed) } else { after };
    let mut found = answered(outbox::sendable(&pool, after, most)).await?;
    let (pointers, last) = (found.len(), found.last().map_or(after, |pointer| pointer.seq));
    CURSOR.store(last, Ordering::Relaxed);
    found.retain(|pointer| !held_back.contains(&pointer.order_id));
    let events = if found.is_empty() { Vec::new() } else { answered(outbox::read(&pool, topic, &found)).await? };
    Ok(Some(Page { pointers, last, events }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a page that many pointers would fit in, and says behind which one it began.
    fn turn(pages: &mut Pages, pointers: usize) -> i64 {
        let wanted = pages.wanted(HashSet::new());
        let pointers = pointers.min(wanted.most);
        let last = wanted.after + i64::try_from(pointers).expect("few");
        pages.take_in(Page { pointers, last, events: Vec::new() });
        wanted.after
    }

    #[test]
    fn a_full_page_is_followed_by_the_next_and_a_short_one_by_the_first() {
        let mut pages = Pages::unread();
        assert_eq!([usize::MAX, usize::MAX, 3, 3].map(|pointers| turn(&mut pages, pointers)), [0, 500, 1_500, 0]);
        assert!(!pages.are_due(), "all that was there has been seen");
    }

    #[test]
    fn reading_begins_anew_after_a_while_although_it_has_not_come_to_the_end() {
        let mut pages = Pages::unread();
        turn(&mut pages, usize::MAX);
        pages.begun = Some(Instant::now() - BEGIN_EVERY);
        assert_eq!(turn(&mut pages, usize::MAX), 0);
        assert_eq!(turn(&mut pages, usize::MAX), 1_000);
    }

    #[test]
    fn a_wish_to_look_again_stays_until_reading_begins_anew() {
        let mut pages = Pages::unread();
        turn(&mut pages, usize::MAX);
        pages.look_again();
        turn(&mut pages, 3);
        assert!(pages.are_due(), "what was passed over lies before this page");
        turn(&mut pages, 3);
        assert!(!pages.are_due());
    }
}
