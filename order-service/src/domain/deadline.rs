//! How long an order waits, and for what.

use chrono::TimeDelta;

/// How long each wait may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// For the delivery side to say whether there will be a delivery.
    pub outcome: TimeDelta,
    /// How many times that wait begins anew where asking would be too early.
    pub extensions: u32,
    /// For the answer to a cancellation, before it is announced again.
    pub cancellation: TimeDelta,
    /// After the end of the promised day.
    pub late_after: TimeDelta,
}
