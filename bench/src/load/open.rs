//! The open loop: orders come at a fixed rate, as from customers who know nothing of each other. What is late because the one before it
//! was late is measured from when it should have been sent, or the worst times would not be measured at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Client, Load, Tally, all};

/// Places orders at `per_second` for `length`.
pub async fn open(load: &Load, per_second: f64, length: Duration) -> Result<Tally> {
    let mut clients = Vec::new();
    for connection in 0..load.connections {
        clients.push(load.client(connection).await?);
    }
    let schedule = Arc::new(Schedule::new(per_second, length));
    let pacing = tokio::task::spawn_blocking({
        let schedule = schedule.clone();
        move || schedule.pace()
    });
    let mut at_work = JoinSet::new();
    for client in clients {
        at_work.spawn(client.by_schedule(schedule.clone()));
    }
    let mut tally = all(at_work).await?;
    pacing.await.context("The pacer broke down")?;
    tally.took = length;
    Ok(tally)
}

/// Who is to be sent when.
struct Schedule {
    began: Instant,
    gap: Duration,
    arrivals: u64,
    taken: AtomicU64,
    /// One permit for each arrival whose time has come.
    due: Semaphore,
}

impl Schedule {
    fn new(per_second: f64, length: Duration) -> Self {
        let gap = Duration::from_secs_f64(1.0 / per_second);
        let arrivals = (length.as_secs_f64() * per_second).floor();
        // Connections are there already; a moment for the tasks.
        let began = Instant::now() + Duration::from_millis(50);
        Self { began, gap, arrivals: arrivals as u64, taken: AtomicU64::new(0), due: Semaphore::new(0) }
    }

    fn at(&self, arrival: u64) -> Instant {
        self.began + self.gap.mul_f64(arrival as f64)
    }

    /// Lets arrivals go at their time, in a thread of its own: a timer of the runtime knows nothing shorter than a millisecond.
    fn pace(&self) {
        for arrival in 0..self.arrivals {
            std::thread::sleep(self.at(arrival).saturating_duration_since(Instant::now()));
            self.due.add_permits(1);
        }
        // Whoever waits now waits for nothing.
        self.due.close();
    }

    /// The next arrival's time, when it has come; nothing after the last.
    async fn next(&self) -> Option<Instant> {
        if let Ok(permit) = self.due.acquire().await {
            permit.forget();
        }
        let arrival = self.taken.fetch_add(1, Ordering::Relaxed);
        (arrival < self.arrivals).then(|| self.at(arrival))
    }
}

impl Client {
    async fn by_schedule(mut self, schedule: Arc<Schedule>) -> Result<Tally> {
        while let Some(scheduled) = schedule.next().await {
            // A refusal is counted; the next arrival is another customer, who knows nothing of it.
            self.place(scheduled).await?;
        }
        Ok(self.tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_arrival_is_sent_by_one_client_and_none_before_its_time() {
        let schedule = Arc::new(Schedule::new(2_000.0, Duration::from_millis(100)));
        let pacing = tokio::task::spawn_blocking({
            let schedule = schedule.clone();
            move || schedule.pace()
        });
        let mut clients = JoinSet::new();
        for _ in 0..7 {
            let schedule = schedule.clone();
            clients.spawn(async move {
                let mut sent = Vec::new();
                while let Some(scheduled) = schedule.next().await {
                    assert!(Instant::now() >= scheduled, "sent before its time");
                    sent.push(scheduled);
                }
                sent
            });
        }
        let mut sent: Vec<Instant> = clients.join_all().await.concat();
        pacing.await.unwrap();
        sent.sort_unstable();
        let expected: Vec<Instant> = (0..200).map(|arrival| schedule.at(arrival)).collect();
        assert_eq!(sent, expected);
    }
}
