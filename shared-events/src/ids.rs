//! Identities that travel between the services. Each is a type of its own, so that one cannot be passed for another.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// One order, and with it one saga: the key of every record on both topics. UUIDv7, so ids sort by age.
    OrderId
}
id! {
    /// One delivery. An order has at most one.
    DeliveryId
}
id! {
    /// One event, the same in every copy of it.
    EventId
}

impl OrderId {
    /// The lower bound of all orders placed at this moment or later. No order has this id.
    #[must_use]
    pub fn earliest_at(moment: DateTime<Utc>) -> Self {
        Self(earliest_at(moment))
    }
}

impl DeliveryId {
    /// The lower bound of all deliveries made at this moment or later. No delivery has this id.
    #[must_use]
    pub fn earliest_at(moment: DateTime<Utc>) -> Self {
        Self(earliest_at(moment))
    }
}

/// The moment's milliseconds, as UUIDv7 begins with them, and zeros.
fn earliest_at(moment: DateTime<Utc>) -> Uuid {
    // Forty-eight bits: from 1970 to the year 10889. What lies outside is as far as one can go.
    let millis = moment.timestamp_millis().clamp(0, (1 << 48) - 1);
    Uuid::from_u128(u128::from(millis.unsigned_abs()) << 80)
}

/// The place of an event among all that one service announced for one order: 1, 2, 3… without a hole.
///
/// It is taken while the order's (the delivery's) row is locked, so commit order is version order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// Nothing announced (or nothing seen) yet.
    pub const NONE: Version = Version(0);

    /// The version that follows this one.
    #[must_use]
    pub fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Builder;

    use super::*;

    #[test]
    fn the_earliest_id_of_a_moment_lies_between_those_placed_before_it_and_those_placed_from_it_on() {
        let moment = DateTime::parse_from_rfc3339("2026-12-01T08:00:00.123Z").expect("a moment").to_utc();
        let placed_at = |at: DateTime<Utc>| {
            OrderId(Builder::from_unix_timestamp_millis(at.timestamp_millis().unsigned_abs(), &[0x5a; 10]).into_uuid())
        };
        let earliest = OrderId::earliest_at(moment);
        assert_eq!(earliest.to_string(), "01a2309e-247b-0000-0000-000000000000");
        assert!(placed_at(moment - TimeDelta::milliseconds(1)) < earliest);
        assert!(placed_at(moment) > earliest);
        assert!(placed_at(moment + TimeDelta::days(400)) > earliest);
    }

    #[test]
    fn a_moment_that_no_id_can_have_is_as_far_as_ids_go() {
        assert_eq!(OrderId::earliest_at(DateTime::<Utc>::MIN_UTC).0, Uuid::nil());
        assert_eq!(OrderId::earliest_at(DateTime::<Utc>::MAX_UTC).to_string(), "ffffffff-ffff-0000-0000-000000000000");
    }
}
