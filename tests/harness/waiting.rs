//! The only way of waiting: for a condition, with a deadline.

use std::{
    fmt::{Debug, Display},
    time::{Duration, Instant},
};

/// A deadline for what takes a second on a quiet machine: generous, because it is only ever used up by a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `probe` answers `Ok`. Its errors tell what it sees instead; the last one stands in the failure.
///
/// # Panics
/// When the deadline has passed, with what was waited for and what was seen last.
pub async fn eventually<T, E: Display>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let started = Instant::now();
    loop {
        match probe().await {
            Ok(reached) => return reached,
            Err(seen) if started.elapsed() >= within => {
                panic!("waited {within:?} in vain until {what}; seen last: {seen:#}");
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Waits until `probe` answers with this value.
///
/// # Panics
/// When the deadline has passed, with what was waited for and what was seen last.
pub async fn eventually_is<T: PartialEq + Debug>(
    what: &str,
    within: Duration,
    expected: T,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) {
    eventually(what, within, async || match probe().await {
        Ok(seen) if seen == expected => Ok(()),
        Ok(seen) => Err(format!("{seen:?} instead of {expected:?}")),
        Err(error) => Err(format!("{error:#}")),
    })
    .await;
}
