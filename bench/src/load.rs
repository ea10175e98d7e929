//! The load: orders placed over kept-alive connections, in a closed loop (who has an answer asks again) or in an open one (at a fixed
//! rate, whatever the answers do).

mod connection;
mod dice;
mod open;
pub mod orders;
mod requests;
pub mod status;
mod tally;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use self::connection::Connection;
use self::requests::Requests;

pub use self::open::open;
pub use self::requests::Asked;
pub use self::tally::Tally;

/// Where a load goes, and what it is made of.
#[derive(Clone, Debug)]
pub struct Load {
    /// The instances of order-service: connections go to them in turn.
    pub addresses: Vec<SocketAddr>,
    /// What the orders are made from.
    pub seed: u64,
    /// Its number among the loads on these databases.
    pub number: u32,
    /// How many connections it has.
    pub connections: u32,
    /// What is asked for.
    pub asked: Asked,
    /// What every request shows.
    pub token: String,
}

impl Load {
    /// One connection and what goes over it.
    async fn client(&self, connection: u32) -> Result<Client> {
        let instance = usize::try_from(connection)? % self.addresses.len();
        Ok(Client {
            connection: Connection::open(self.addresses[instance]).await?,
            requests: Requests::new((self.seed, self.number, connection), self.asked, &self.token),
            asked: self.asked,
            tally: Tally::new(),
        })
    }
}

/// Each connection places one order after the other, until `length` has passed.
pub async fn closed(load: &Load, length: Duration) -> Result<Tally> {
    let mut clients = Vec::new();
    for connection in 0..load.connections {
        clients.push(load.client(connection).await?);
    }
    let ends = Instant::now() + length;
    let mut at_work = JoinSet::new();
    for client in clients {
        at_work.spawn(client.one_after_the_other(ends));
    }
    let mut tally = all(at_work).await?;
    tally.took = length;
    Ok(tally)
}

/// So many orders over all connections, as fast as they go.
pub async fn counted(load: &Load, orders: u64) -> Result<Tally> {
    let mut at_work = JoinSet::new();
    let (began, left) = (Instant::now(), Arc::new(AtomicU64::new(orders)));
    for connection in 0..load.connections {
        at_work.spawn(load.client(connection).await?.until_none_is_left(left.clone()));
    }
    let mut tally = all(at_work).await?;
    tally.took = began.elapsed();
    Ok(tally)
}

/// One order after the other over one connection, with a pause between them.
pub async fn spaced(load: &Load, orders: u32, pause: Duration) -> Result<Tally> {
    let mut client = load.client(0).await?;
    for _ in 0..orders {
        client.place(Instant::now()).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(client.tally)
}

/// The tallies of all clients together. One that breaks down ends all.
async fn all(mut at_work: JoinSet<Result<Tally>>) -> Result<Tally> {
    let mut sum = Tally::new();
    while let Some(client) = at_work.join_next().await {
        sum.add(&client.context("A client broke down")??);
    }
    Ok(sum)
}

/// One connection with its requests and what became of them.
struct Client {
    connection: Connection,
    requests: Requests,
    asked: Asked,
    tally: Tally,
}

impl Client {
    async fn one_after_the_other(mut self, ends: Instant) -> Result<Tally> {
        while Instant::now() < ends {
            let refused = self.place(Instant::now()).await?;
            if Instant::now() >= ends {
                // Accepted, but not within the time that it is counted by.
                self.tally.last_was_late(refused.is_none());
            }
            if let Some(wait) = refused {
                // What a good client does. It costs this loop throughput, as it should.
                tokio::time::sleep(wait.min(ends.saturating_duration_since(Instant::now()))).await;
            }
        }
        Ok(self.tally)
    }

    async fn until_none_is_left(mut self, left: Arc<AtomicU64>) -> Result<Tally> {
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            while let Some(wait) = self.place(Instant::now()).await? {
                tokio::time::sleep(wait).await;
            }
        }
        Ok(self.tally)
    }

    /// Places one order, and notes how long that took since `since`. Refused, it says when to come back.
    async fn place(&mut self, since: Instant) -> Result<Option<Duration>> {
        let answer = self.connection.exchange(self.requests.next()).await?;
        self.tally.note(&answer, self.asked, since.elapsed())
    }
}
