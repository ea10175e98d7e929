//! Waiting for a condition with a deadline: the only way of waiting here, because a fixed sleep is too short or too long.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How often a condition is looked at: often enough not to be felt, seldom enough to leave the machine to the work.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` again and again until it answers, it fails, or `limit` has passed (then the answer is `None`).
pub async fn wait_until<T>(limit: Duration, mut probe: impl AsyncFnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let started = Instant::now();
    loop {
        if let Some(answer) = probe().await? {
            return Ok(Some(answer));
        }
        if started.elapsed() >= limit {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
