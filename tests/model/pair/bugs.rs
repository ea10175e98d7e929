//! Mistakes that others have made, one at a time: each has to be found, or what finds nothing proves nothing.

/// What is wrong, where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bug {
    /// The relay remembers how far it has read, and what did not arrive lies behind that place.
    CursorRelay,
    /// A pointer is deleted when its event is given to Kafka, not when it is acknowledged.
    DeleteBeforeAck,
    /// The relay sends the next version of an order while the one before it is unacknowledged.
    TwoInFlight,
    /// The offset is stored when a record is read, not when its outcome is committed.
    OffsetBeforeCommit,
    /// The offset that is stored is one too far.
    OffsetOffByOne,
    /// What was planned is applied, whoever has moved the lane in between.
    NoClaim,
    /// The reader applies whatever comes, but for the last so many, which it remembers: what many readers do.
    NoVersionGate(usize),
    /// What cannot be applied is logged, and the offset moves on.
    PoisonSwallowed,
    /// A gap is not parked: the event is applied though its predecessor is missing.
    GapsApplied,
    /// What is given back is given back outside of the transaction, and known by nothing: whoever applies it again pays again.
    RefundWithoutKey,
    /// `DeliveryFailed` changes nothing while a cancellation is asked for.
    FailureIgnoredWhileCancelling,
    /// The pieces of a cancelled order are put on the shelf twice.
    ReleasedTwice,
    /// Whoever cancels has the money back at once, before the delivery side has answered.
    RefundBeforeAnswer,
    /// The clock decides that there will be no delivery.
    ClockDecides,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 14] = [
        Bug::CursorRelay,
        Bug::DeleteBeforeAck,
        Bug::TwoInFlight,
        Bug::OffsetBeforeCommit,
        Bug::OffsetOffByOne,
        Bug::NoClaim,
        Bug::NoVersionGate(0),
        Bug::PoisonSwallowed,
        Bug::GapsApplied,
        Bug::RefundWithoutKey,
        Bug::FailureIgnoredWhileCancelling,
        Bug::ReleasedTwice,
        Bug::RefundBeforeAnswer,
        Bug::ClockDecides,
    ];
}
