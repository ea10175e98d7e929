//! A service's database, and the transactions that change it.

use std::{fmt::Debug, hash::Hash};

use chassis::messaging::{Outcome, Reason};
use shared_events::Version;

use super::{
    bugs::Bug,
    coverage::Coverage,
    lane::{Batch, Inbox, Planned, Record, Seen},
    outbox::Outbox,
};

/// One of both services, as far as its database goes.
pub trait Side: Clone + Debug + Send + Sync + 'static {
    /// What somebody may ask of it.
    type Command: Clone + Debug + PartialEq + Eq + Hash + Send + Sync;

    fn bug(&self) -> Option<Bug>;
    fn outbox(&self) -> &Outbox;
    fn outbox_mut(&mut self) -> &mut Outbox;
    fn inbox(&self) -> &Inbox;
    fn inbox_mut(&mut self) -> &mut Inbox;

    /// Somebody asks for something, or a deadline passes.
    fn decide(&mut self, command: &Self::Command, coverage: &mut Coverage) -> Answer;

    /// Applies an event, in the transaction that claimed it.
    fn react(&mut self, record: &Record, coverage: &mut Coverage);

    /// For [`Bug::RefundWithoutKey`]: what was given back in a transaction that is rolled back stays with the customer.
    fn keep_refunds(&mut self, rolled_back: Self);
}

/// All that is ever done to a database.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Transaction<C> {
    Decide(C),
    /// Applies records as planned when the lanes had come so far.
    Apply {
        believed: Seen,
        batch: Batch,
        fails: bool,
    },
    /// Deletes the pointers of what was acknowledged.
    Delete(Vec<i64>),
}

/// What becomes of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Committed,
    Refused(String),
    /// Somebody else has moved a lane in between: rolled back.
    Moved,
}

/// Runs a transaction to its end.
pub fn run<S: Side>(side: &mut S, transaction: &Transaction<S::Command>, coverage: &mut Coverage) -> Answer {
    match transaction {
        Transaction::Decide(command) => side.decide(command, coverage),
        Transaction::Delete(acknowledged) => {
            side.outbox_mut().delete(acknowledged);
            Answer::Committed
        }
        Transaction::Apply { believed, batch, fails } => match side.bug() {
            Some(Bug::NoVersionGate(last)) => apply_whatever_comes(side, batch, *fails, last, coverage),
            _ => apply(side, believed, batch, *fails, coverage),
        },
    }
}

fn apply<S: Side>(side: &mut S, believed: &Seen, batch: &Batch, fails: bool, coverage: &mut Coverage) -> Answer {
    let bug = side.bug();
    let planned = if fails { Inbox::plan_rejected(believed, batch) } else { Inbox::plan(believed, batch, bug) };
    if !side.inbox().can_claim(&planned) && bug != Some(Bug::NoClaim) {
        coverage.note("a claim fails because another reader was first");
        return Answer::Moved;
    }
    if fails && bug == Some(Bug::RefundWithoutKey) {
        refund_all_the_same(side, believed, batch);
    }
    for ((_, record), outcome) in batch.iter().zip(&planned.outcomes) {
        note_outcome(side.inbox(), record, outcome, &planned, coverage);
        if *outcome == Outcome::Handled {
            side.react(record, coverage);
        }
    }
    side.inbox_mut().commit(batch, &planned, bug);
    Answer::Committed
}

/// It was applied, and failed only then: the money is out of the house.
fn refund_all_the_same<S: Side>(side: &mut S, believed: &Seen, batch: &Batch) {
    let planned = Inbox::plan(believed, batch, side.bug());
    let mut rolled_back = side.clone();
    for ((_, record), _) in batch.iter().zip(planned.outcomes).filter(|(_, outcome)| *outcome == Outcome::Handled) {
        rolled_back.react(record, &mut Coverage::default());
    }
    side.keep_refunds(rolled_back);
}

fn note_outcome(inbox: &Inbox, record: &Record, outcome: &Outcome, planned: &Planned, coverage: &mut Coverage) {
    let place = record.place();
    let (is_parked, has_jumped) = (inbox.is_parked(place), planned.jumps(place.0));
    let jumped_is_parked = inbox.is_parked((place.0, Version(1)));
    let note = match outcome {
        Outcome::Handled if has_jumped && jumped_is_parked => "OrderCancelled jumps a parked OrderCompleted",
        Outcome::Handled if has_jumped => "OrderCancelled jumps an OrderCompleted that has not arrived",
        Outcome::Handled if is_parked && place.1 > Version(1) => "a gap is closed",
        Outcome::Handled if is_parked => "a parked event is applied after all",
        Outcome::Handled => return,
        Outcome::Duplicate if inbox.was_applied(place) => "a repeat has no effect",
        Outcome::Duplicate => "an OrderCompleted that was jumped or given up arrives and is stale",
        Outcome::Parked(Reason::Gap { .. }) => "a gap is parked",
        Outcome::Parked(_) => "an event cannot be applied and is parked",
    };
    coverage.note(note);
}

fn apply_whatever_comes<S: Side>(
    side: &mut S,
    batch: &Batch,
    fails: bool,
    last: usize,
    coverage: &mut Coverage,
) -> Answer {
    for (offset, record) in batch {
        if !side.inbox().remembers(record.place(), last) {
            if !fails {
                side.react(record, coverage);
            }
            side.inbox_mut().commit_without_rule(*offset, record, !fails);
        }
    }
    Answer::Committed
}
