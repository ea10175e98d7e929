//! The poll thread: it never waits for the database, so the group never believes us dead.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::anyhow;
use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{BATCH, Client, Polled, Unassigned};
use crate::messaging::{offsets::Assignment, record::Record};

#[cfg(test)]
mod tests;

const POLL: Duration = Duration::from_millis(100);
/// How long the thread waits for room before it pauses its partitions. Far below `max.poll.interval.ms`; not sooner, because a pause
/// throws away what was prefetched.
const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// The poll thread.
pub(super) struct PollThread {
    client: Client,
    topic: Arc<str>,
    sender: mpsc::Sender<Polled>,
    /// What the worker has no room for.
    waiting: VecDeque<Polled>,
    stop: CancellationToken,
}

impl PollThread {
    pub(super) fn new(client: Client, topic: Arc<str>, sender: mpsc::Sender<Polled>, stop: CancellationToken) -> Self {
        Self { client, topic, sender, waiting: VecDeque::new(), stop }
    }

    /// Ends when told to stop, when nobody receives any more, or when the client is broken or unassigned for good.
    pub(super) fn run(mut self, patience: Duration, runtime: &Handle) -> anyhow::Result<()> {
        let mut is_paused = false;
        let mut assigned = Instant::now();
        while !self.stop.is_cancelled() && !self.sender.is_closed() {
            if let Some(fatal) = self.client.context().fatal() {
                return Err(anyhow!("the consumer cannot go on: {fatal}"));
            }
            if self.client.context().is_assigned() {
                assigned = Instant::now();
            } else if assigned.elapsed() > patience {
                return Err(Unassigned(patience).into());
            }
            self.poll()?;
            // A paused client is polled all the same, with what it gives still waiting: short, so that it is soon polled again.
            let within = if is_paused { Duration::ZERO } else { ROOM_WITHIN };
            let has_room = self.waiting.is_empty() || runtime.block_on(self.hand_over(within));
            if has_room == is_paused {
                set_paused(&self.client, !has_room);
                is_paused = !has_room;
                self.client.context().progress().set_paused(is_paused);
            } else if !has_room {
                // A rebalance may have brought partitions that are not paused.
                set_paused(&self.client, true);
            }
        }
        Ok(())
    }

    /// Waits for a record, and hands it on with all that are there already, as long as there is room.
    fn poll(&mut self) -> anyhow::Result<()> {
        let client = self.client.clone();
        let mut within = POLL;
        for _ in 0..BATCH {
            let message = match client.poll(within) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return report(&error, client.context()),
                None => break,
            };
            let record = Record::copied(&self.topic, &message);
            self.offer((client.context().generation(), record));
            if !self.waiting.is_empty() {
                break;
            }
            within = Duration::ZERO;
        }
        Ok(())
    }

    /// Hands one on, without waiting, unless others wait already.
    fn offer(&mut self, polled: Polled) {
        if !self.waiting.is_empty() {
            return self.waiting.push_back(polled);
        }
        match self.sender.try_send(polled) {
            // Closed: the worker is gone, and what it did not take comes again.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(polled)) => self.waiting.push_back(polled),
        }
    }

    /// Hands on what waits. `false` if there was no room for all of it in time.
    async fn hand_over(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while !self.waiting.is_empty() {
            let reserved = tokio::select! {
                biased;
                reserved = self.sender.reserve() => reserved,
                () = self.stop.cancelled() => return true,
                () = tokio::time::sleep_until(until) => return false,
            };
            // Closed, as above.
            let Ok(room) = reserved else { return true };
            if let Some(next) = self.waiting.pop_front() {
                room.send(next);
            }
        }
        true
    }
}

fn set_paused(client: &BaseConsumer<Assignment>, pause: bool) {
    let done = client.assignment().and_then(|ours| if pause { client.pause(&ours) } else { client.resume(&ours) });
    match done {
        Ok(()) => tracing::debug!(pause, "partitions paused: {pause}"),
        Err(error) => tracing::warn!(%error, pause, "partitions could not be paused or resumed: {error}"),
    }
}

/// Most errors pass by themselves; some never do.
fn report(error: &KafkaError, assignment: &Assignment) -> anyhow::Result<()> {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::FencedInstanceId) => {
            Err(anyhow!("another consumer runs under the same instance id: give every instance its own"))
        }
        Some(RDKafkaErrorCode::Fatal) => Err(anyhow!("the consumer cannot go on: {error}")),
        Some(_) | None => {
            assignment.complain(error);
            Ok(())
        }
    }
}
