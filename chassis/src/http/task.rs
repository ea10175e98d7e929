//! A unit of work outside of the group commit.

use super::{answer::Answer, problem::Problem};

/// Carries it out in a task of its own: a caller that goes away must not leave a transaction half done on a connection that somebody else
/// gets next.
///
/// # Errors
/// The work's own, or [`Problem::internal`] where it died.
pub async fn in_a_task_of_its_own(
    work: impl Future<Output = Result<Answer, Problem>> + Send + 'static,
) -> Result<Answer, Problem> {
    tokio::spawn(work).await.unwrap_or_else(|died| {
        tracing::error!("a unit of work died: {died}");
        Err(Problem::internal())
    })
}
