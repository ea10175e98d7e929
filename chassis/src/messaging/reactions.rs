//! Where the receiving side calls a service: what it does with what the other side announced.

use shared_events::{Cause, Envelope, OrderId, Stamp, Version};

use super::recall::Lost;
use crate::{Failure, Tx};

/// What a service does with what the other side announced: load → react → save.
pub trait Reactions: Send + Sync + 'static {
    /// Applies events that are claimed in `tx`: each is new to this service, and those of one order come in version order. The
    /// caller commits.
    ///
    /// A business condition is never a failure: an event has happened, and an answer to it always exists.
    fn react(&self, tx: &mut Tx<'_>, events: &[Incoming]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The same, and says what each of the events does. For whoever wants to know first: the caller takes it all back.
    fn rehearse(
        &self,
        tx: &mut Tx<'_>,
        events: &[Incoming],
    ) -> impl Future<Output = Result<Vec<Effect>, Failure>> + Send;

    /// Answers the first event of an order in a way in which the saga ends well, because the event itself can never be applied. It is
    /// claimed in `tx`; the caller commits. `false` where this side has no such answer.
    fn give_up(
        &self,
        tx: &mut Tx<'_>,
        order_id: OrderId,
        stamp: Stamp,
        cause: Cause,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Rebuilds what is lost of one order from what was announced about it, and says up to which of the other side's events that has
    /// it in it. Announces nothing; the caller writes the log and commits. What cannot be rebuilt is a permanent failure that says why.
    fn recall(&self, tx: &mut Tx<'_>, lost: &Lost) -> impl Future<Output = Result<Version, Failure>> + Send;
}

/// What an event does, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// What becomes of whatever it is about: `completed → confirmed`.
    pub change: String,
    /// The money that it moves: `capture 12.50 EUR`.
    pub money: Vec<String>,
}

/// An event that is to be applied, with what deciding about it may use up.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The event.
    pub envelope: Envelope,
    /// The moment and the ids.
    pub stamp: Stamp,
    /// Whether nothing of its order had been applied here before this batch: then there is nothing of it to look for.
    pub order_is_new: bool,
}
