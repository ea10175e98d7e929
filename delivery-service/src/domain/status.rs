//! Where a delivery stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A tombstone: the order was cancelled before there was anything to deliver.
    Void,
    /// It did not fit.
    Refused,
    /// It has a slot. Everything can still be undone.
    Scheduled,
    /// The courier has it. The only way is forward.
    Dispatched,
    /// It ended without being handed over.
    Failed,
    /// It is with its recipient.
    Delivered,
    /// The order side wanted out in time.
    Cancelled,
}

/// The text names no status of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStatus(pub String);

impl fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the status of a delivery", self.0)
    }
}

impl std::error::Error for UnknownStatus {}

impl Status {
    /// Every status there is.
    pub const ALL: [Status; 7] = [
        Status::Void,
        Status::Refused,
        Status::Scheduled,
        Status::Dispatched,
        Status::Failed,
        Status::Delivered,
        Status::Cancelled,
    ];

    /// Its name in answers and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Void => "void",
            Status::Refused => "refused",
            Status::Scheduled => "scheduled",
            Status::Dispatched => "dispatched",
            Status::Failed => "failed",
            Status::Delivered => "delivered",
            Status::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Status::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}
