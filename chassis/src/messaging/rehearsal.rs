//! What would become of a parked event if it were tried now: played in a transaction that is taken back. And what is done about one that
//! can never be applied.

use std::collections::HashMap;

use shared_events::{Cause, OrderId, Stamp, Version};
use sqlx::Acquire;

use super::{
    apply::{Inbox, candidate},
    inbox::{self, Claim, Outcome, Reason},
    reactions::{Effect, Incoming, Reactions},
    record::Record,
};
use crate::{Failure, Tx, clock, failure::is_transient};

/// What would become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It would be applied.
    Apply,
    /// It has been applied: nothing would change.
    Duplicate,
    /// It has been jumped: nothing would change.
    Stale,
    /// Something that comes before it is missing, or would fail; or somebody holds its order back.
    Waits,
    /// It would be parked again.
    StillFailing,
}

impl Verdict {
    /// Its name in the database and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Apply => "apply",
            Verdict::Duplicate => "duplicate",
            Verdict::Stale => "stale",
            Verdict::Waits => "waits",
            Verdict::StillFailing => "still_failing",
        }
    }
}

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// What would become of the event.
    pub verdict: Verdict,
    /// What it would change, or why it would not.
    pub detail: String,
    /// The money that it would move.
    pub money: Vec<String>,
}

/// Why an event cannot be given up.
#[derive(Debug, thiserror::Error)]
pub enum GiveUp {
    /// This side has no answer that would end the saga well.
    #[error("this service cannot answer for an event that it did not apply")]
    NotHere,
    /// Something of the order has been applied: then the event is none that the saga waits for.
    #[error("version {0} of the order's events has been applied already")]
    AlreadyBegun(Version),
    /// Somebody holds the order back.
    #[error("the order is paused: end the pause first")]
    Paused,
    /// The lane has moved in between.
    #[error("somebody else is just working on this order")]
    Moved,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for GiveUp {
    fn from(error: sqlx::Error) -> Self {
        GiveUp::Failed(error.into())
    }
}

impl<R: Reactions> Inbox<R> {
    /// Plays records of one order in the order given, each seeing what those before it did, and takes everything back.
    ///
    /// # Errors
    /// The database's.
    pub async fn rehearse(&self, lane: &[Record]) -> sqlx::Result<Vec<Rehearsed>> {
        let mut stage = self.pool.begin().await?;
        let mut rehearsed = Vec::with_capacity(lane.len());
        for record in lane {
            let mut tx = Tx::from(stage.begin().await?);
            match self.play(&mut tx, record).await {
                Ok(one) => {
                    tx.commit().await?;
                    rehearsed.push(one);
                }
                Err(failure) => {
                    tx.rollback().await?;
                    rehearsed.push(still_failing(failure)?);
                }
            }
        }
        stage.rollback().await?;
        Ok(rehearsed)
    }

    async fn play(&self, tx: &mut Tx<'_>, record: &Record) -> Result<Rehearsed, Failure> {
        let read = record.envelope(self.listens_to);
        let candidate = candidate(record, &read, None);
        let orders: Vec<_> = candidate.order_id().into_iter().collect();
        let lanes = inbox::read(tx, &orders).await?;
        let plan = inbox::plan(&lanes.seen, std::slice::from_ref(&candidate), &lanes.held);
        match (plan.outcomes.first(), read) {
            (Some(Outcome::Handled), Ok(envelope)) => {
                if inbox::claim(tx, &lanes.seen, &plan.claims).await?.is_none() {
                    let detail = "somebody else has just moved this order".to_owned();
                    return Ok(Rehearsed { verdict: Verdict::Waits, detail, money: vec![] });
                }
                let order_is_new = plan.claims.iter().any(|claim| claim.seen.is_none());
                let event = Incoming { envelope, stamp: clock::stamp(), order_is_new };
                let effect = self.reactions.rehearse(tx, &[event]).await?.pop().unwrap_or_default();
                let Effect { change, money } = effect;
                Ok(Rehearsed { verdict: Verdict::Apply, detail: change, money })
            }
            (Some(Outcome::Parked(reason @ (Reason::Gap { .. } | Reason::Paused { .. }))), _) => {
                Ok(Rehearsed { verdict: Verdict::Waits, detail: reason.text(), money: vec![] })
            }
            (Some(Outcome::Parked(reason)), _) => {
                Ok(Rehearsed { verdict: Verdict::StillFailing, detail: reason.text(), money: vec![] })
            }
            (Some(Outcome::Duplicate | Outcome::Handled) | None, _) => {
                let detail = "it has been applied, or jumped, before".to_owned();
                Ok(Rehearsed { verdict: Verdict::Duplicate, detail, money: vec![] })
            }
        }
    }

    /// Answers for the first event of an order, which can never be applied, and claims its place. The caller resolves what is parked,
    /// writes down who wanted it, and commits.
    ///
    /// # Errors
    /// [`GiveUp`] says why it cannot be.
    pub async fn give_up(&self, tx: &mut Tx<'_>, order_id: OrderId, stamp: Stamp, cause: Cause) -> Result<(), GiveUp> {
        let first = Version::NONE.next();
        let lanes = inbox::read(tx, &[order_id]).await?;
        let seen = lanes.seen.get(&order_id).copied();
        if let Some(seen) = seen.filter(|seen| *seen >= first) {
            return Err(GiveUp::AlreadyBegun(seen));
        }
        if lanes.held.contains_key(&order_id) {
            return Err(GiveUp::Paused);
        }
        let claim = Claim { order_id, seen, first, next: first };
        if inbox::claim(tx, &lanes.seen, &[claim]).await?.is_none() {
            return Err(GiveUp::Moved);
        }
        if !self.reactions.give_up(tx, order_id, stamp, cause).await? {
            return Err(GiveUp::NotHere);
        }
        Ok(())
    }
}

/// A failure that passes is no verdict.
fn still_failing(failure: Failure) -> sqlx::Result<Rehearsed> {
    let detail = match failure {
        Failure::Transient(error) => match error.downcast::<sqlx::Error>() {
            Ok(error) if is_transient(&error) => return Err(error),
            Ok(error) => error.to_string(),
            Err(error) => format!("{error:#}"),
        },
        Failure::Permanent(error) => format!("{error:#}"),
        Failure::UnknownOrders(_) => Reason::UnknownOrder.text(),
    };
    Ok(Rehearsed { verdict: Verdict::StillFailing, detail, money: vec![] })
}

/// The records of each order, in the order in which they are to be tried: order by order, version by version. What names no order comes
/// last, each alone.
#[must_use]
pub fn lanes<T>(mut parked: Vec<T>, place: impl Fn(&T) -> Option<(OrderId, Version)>) -> Vec<Vec<T>> {
    parked.sort_by_key(|one| place(one).map_or((true, None), |place| (false, Some(place))));
    let mut lanes: Vec<Vec<T>> = Vec::new();
    let mut last: HashMap<OrderId, usize> = HashMap::new();
    for one in parked {
        match place(&one).map(|(order_id, _)| order_id) {
            Some(order_id) => {
                let at = *last.entry(order_id).or_insert(lanes.len());
                if at == lanes.len() {
                    lanes.push(Vec::new());
                }
                lanes[at].push(one);
            }
            None => lanes.push(vec![one]),
        }
    }
    lanes
}
