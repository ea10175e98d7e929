//! What an operator types, by the executable itself on a pair that runs: how it ends, what it says and where, and what came of it.

mod desk;
mod parked;
mod paused;
mod reconciled;
mod refused;
mod replayed;
mod republished;

use anyhow::{Result, ensure};

use crate::desk::Desk;

/// One pair for all: each part has orders of its own, and nothing parked when it is done.
#[tokio::test(flavor = "multi_thread")]
async fn an_operators_commands_do_what_they_say_and_say_what_they_did() -> Result<()> {
    let desk = Desk::open().await?;
    let mut failures = Vec::new();
    let mut note = |part: &str, outcome: Result<()>| {
        if let Err(error) = outcome {
            failures.push(format!("{part}: {error:#}"));
        }
    };
    note("what is parked is listed and shown", parked::is_listed_and_shown(&desk).await);
    note("what can never be applied is given up", parked::is_given_up(&desk).await);
    note("a set is rehearsed, then replayed", replayed::is_rehearsed_and_then_replayed(&desk).await);
    note("what still fails is said", replayed::still_fails(&desk).await);
    note("an order is held back and goes on", paused::an_order_is_held_back_and_goes_on(&desk).await);
    note("events are announced again", republished::events_are_announced_again(&desk).await);
    note("what was lost is reconciled", reconciled::what_was_lost(&desk).await);
    note("reconciling says what it could not look at", reconciled::what_cannot_be_looked_at(&desk).await);
    note("who did what is shown", republished::who_did_what(&desk).await);
    note("who may not is told so", refused::who_may_not(&desk).await);
    note("what does not answer is said", refused::what_does_not_answer(&desk).await);
    note("what is not understood is said", refused::what_is_not_understood(&desk).await);
    desk.close().await?;
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}
