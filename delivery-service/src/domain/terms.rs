//! What the shop has settled with its couriers.

use chrono::TimeDelta;

/// How often, and how late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many times a parcel is brought to a recipient who is absent before it comes back.
    pub max_attempts: u32,
    /// How long after the end of its day a delivery counts as late.
    pub late_after: TimeDelta,
}
