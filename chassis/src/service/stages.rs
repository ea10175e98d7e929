//! The parts of a running service, and the order in which they stop.

use std::{net::SocketAddr, time::Duration};

use anyhow::anyhow;
use futures_util::future;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Stage {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What a stage's task comes to: nothing to say, or an error.
pub(super) trait Ended {
    fn into_result(self) -> anyhow::Result<()>;
}

impl Ended for () {
    fn into_result(self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Ended for anyhow::Result<()> {
    fn into_result(self) -> anyhow::Result<()> {
        self
    }
}

/// The parts of a service in the order in which they are to stop, each within a deadline.
pub(super) struct Stages {
    stopping: CancellationToken,
    within: Duration,
    stages: Vec<Stage>,
}

impl Stages {
    pub(super) fn new(within: Duration) -> Self {
        Self { stopping: CancellationToken::new(), within, stages: Vec::new() }
    }

    /// Set before the first stage is told to stop: the service is not ready any more, and whoever waits is answered.
    pub(super) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Starts a part. It has to end soon after its token is cancelled, and not before.
    pub(super) fn add<F>(&mut self, name: &'static str, part: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output: Ended> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = part(stop.clone());
        let task = tokio::spawn(async move { running.await.into_result() });
        self.stages.push(Stage { name, stop, task });
    }
}

/// A service that runs.
pub struct Running {
    address: SocketAddr,
    stages: Stages,
}

impl Running {
    pub(super) fn new(address: SocketAddr, stages: Stages) -> Self {
        Self { address, stages }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a part to end before it was told to: a defect, or something that cannot heal. The process should end then.
    pub async fn failure(&mut self) -> anyhow::Error {
        let tasks = self.stages.stages.iter_mut().map(|stage| &mut stage.task);
        let (ended, index, _) = future::select_all(tasks).await;
        // Its handle must not be polled again: it has given its result away.
        let name = self.stages.stages.remove(index).name;
        match ended {
            Ok(Ok(())) => anyhow!("{name} ended although nobody told it to"),
            Ok(Err(error)) => error.context(format!("{name} cannot go on")),
            Err(died) => anyhow!("{name} died: {died}"),
        }
    }

    /// Stops in order: not ready, no new connections, requests under way, then what is behind them. What does not finish in
    /// its time is only a repeat for somebody later.
    pub async fn stop(self) {
        self.stages.stopping.cancel();
        for Stage { name, stop, task } in self.stages.stages {
            stop.cancel();
            let abort = task.abort_handle();
            match tokio::time::timeout(self.stages.within, task).await {
                Ok(Ok(Ok(()))) => tracing::debug!("{name} has stopped"),
                Ok(Ok(Err(error))) => tracing::warn!(%error, "{name} stopped with an error: {error:#}"),
                Ok(Err(died)) => tracing::error!("{name} died: {died}"),
                Err(_) => {
                    abort.abort();
                    tracing::warn!("{name} did not stop within {:?} and was cut off", self.stages.within);
                }
            }
        }
    }
}
