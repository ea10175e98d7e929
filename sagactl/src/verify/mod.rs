//! Checks the invariants of `docs/saga.md` over both databases, and over both topics if they are told, also while the services are at
//! work.
//!
//! What one database shows alone is looked for in one snapshot of it: whatever is found is broken. What takes both is
//! looked for in two snapshots that are not of the same moment, and between them events may be in flight: such a
//! contradiction is looked at again, and counts only if it stays. As long as some of them settle, the others are given
//! time; when nothing has settled for [`Options::patience`], what is left is broken.
//!
//! A database that is not there, or that cannot be read, leaves its own rules and those that take both unjudged; the report says which.
//!
//! The topics are read from their beginnings before the snapshots are taken, and to their ends afterwards: what a snapshot says was sent is
//! then among what was read. Whatever is looked at again is held against the new ends of the topics, and nothing is read twice.
//!
//! | module | invariants | shown by |
//! |---|---|---|
//! | `money` | I2, I3, I4 (refunds) | order-service |
//! | `stock` | I5 | order-service |
//! | `places` | I6 | delivery-service |
//! | `consumed` | I7 | delivery-service |
//! | `changes` | I10 | each |
//! | `announced` | I11 | each |
//! | `agreement` | I4, I7, I11 | both together |
//! | `deadlines` | I1 | each |
//! | `waiting` | I1 | both together |
//! | `published` | I8, I9, I10, I11 | the topics, alone and with both databases |

mod again;
mod agreement;
mod alone;
mod announced;
mod changes;
mod check;
mod consumed;
mod deadlines;
mod look;
mod money;
mod places;
mod published;
mod report;
mod rule;
mod shown;
mod sides;
mod snapshot;
mod sources;
mod stock;
mod waiting;

use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use sqlx::PgPool;

pub(crate) use again::Now;
pub(crate) use check::Check;
pub use report::{Certainty, Checked, Finding, Invariant, Repeat, Report, TopicsRead, Unreadable, WaitingFor};
pub use sources::{Judged, NotLooked, Source};

use self::published::Published;
use crate::services::{Side, Sides};
use crate::topics::KafkaSettings;

/// The pause between two looks at what may be in flight.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What can be chosen for a check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many violations of each kind are reported; all are counted.
    pub most: usize,
    /// How long contradictions between the databases may stay as they are before they count as broken. A consumer that
    /// was killed is back in less than this.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { most: 20, patience: Duration::from_secs(15) }
    }
}

/// Checks what both databases show. Reads only; each database in one snapshot.
///
/// # Errors
/// A database could not be looked at: then nothing is known.
pub async fn check(orders: &PgPool, deliveries: &PgPool, options: Options) -> Result<Report> {
    Check::of_databases(Sides { orders: Some(orders), deliveries: Some(deliveries) }, options).run().await
}

/// Checks everything: what both databases show, and both topics. Shows on `progress` how far the reading of the topics is.
///
/// # Errors
/// A database could not be looked at, or a topic not be read: then nothing is known.
pub async fn check_with_topics(
    orders: &PgPool,
    deliveries: &PgPool,
    topics: &KafkaSettings,
    progress: &ProgressBar,
    options: Options,
) -> Result<Report> {
    Check::of_everything(orders, deliveries, topics, progress, options).await?.run().await
}

/// Checks as much as can be looked at: what takes a database that is not there, or topics that cannot be read, is left unjudged, and the
/// report says so with the reason. `topics`: none are asked for.
///
/// # Errors
/// Neither database could be looked at.
pub async fn check_what_is_there(
    databases: Sides<Result<PgPool>>,
    topics: Option<(&KafkaSettings, &ProgressBar)>,
    options: Options,
) -> Result<Report> {
    let Sides { orders, deliveries } = &databases;
    let mut check =
        Check::of_databases(Sides { orders: orders.as_ref().ok(), deliveries: deliveries.as_ref().ok() }, options);
    for side in Side::BOTH {
        if let Err(error) = databases.of(side) {
            check.leave_out(side.into(), error);
        }
    }
    if let Some((settings, progress)) = topics {
        match Published::read(settings, progress, options.at_least_one()).await {
            Ok(published) => check.add_topics(published),
            Err(error) => check.leave_out(Source::Topics, &error),
        }
    }
    let report = check.as_far_as_it_goes().await;
    for pool in [databases.orders, databases.deliveries].into_iter().flatten() {
        pool.close().await;
    }
    report
}

impl Options {
    /// A rule whose rows are all left out would seem to hold.
    fn at_least_one(self) -> usize {
        self.most.max(1)
    }
}
