//! The sending side: from the outbox to Kafka.

mod failures;
mod handover;
mod leader;
mod order;
mod wire;

use std::{collections::HashMap, time::Duration};

use anyhow::Result;
use chassis::{
    Tx,
    messaging::{HandOver, Outgoing, Record, Relay, Step, announce},
};
use shared_events::{Envelope, EventId, OrderId, Topic, Version};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tests::{Env, PATIENCE, envelope, eventually, eventually_is, golden};

/// A service's outbox, and the topic its relay sends to.
struct Outbox {
    env: Env,
    pool: PgPool,
}

/// Where an event was found on the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    partition: i32,
    offset: i64,
    version: Version,
    id: EventId,
}

impl Outbox {
    async fn new(name: &str, partitions: i32) -> Self {
        let env = Env::new(name).await;
        env.create_topics(partitions).await;
        let pool = env.chassis_tables(env.orders_database()).await;
        Self { env, pool }
    }

    /// As many connections as are asked for: for writers that hold many transactions open.
    fn connections(&self, count: u32) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(count);
        pool.connect_lazy(self.env.orders_database()).expect("a database URL")
    }

    fn relay(&self) -> Relay {
        self.relay_on(self.pool.clone())
    }

    fn relay_on(&self, pool: PgPool) -> Relay {
        self.relay_told_by(pool, HandOver::default())
    }

    fn relay_told_by(&self, pool: PgPool, handed_over: HandOver) -> Relay {
        Relay::new(pool, Topic::Orders, &self.env.kafka("relay"), handed_over).expect("a relay")
    }

    /// Announces the event of this version, in a transaction of its own.
    async fn announce(&self, order_id: OrderId, version: i64) -> Result<Envelope> {
        let announced = event(order_id, version);
        let mut tx = Tx::from(self.pool.begin().await?);
        announce(&mut tx, &[Outgoing::New(announced.clone())]).await?;
        tx.commit().await?;
        Ok(announced)
    }

    /// What is unsent, oldest first.
    async fn unsent(&self) -> Result<Vec<(OrderId, Version)>> {
        let rows: Vec<(uuid::Uuid, i64)> =
            sqlx::query_as("select order_id, version from outbox order by seq").fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(order_id, version)| (OrderId(order_id), Version(version))).collect())
    }

    /// What the topic holds, order by order, each in the order of its partition.
    async fn lanes(&self) -> HashMap<OrderId, Vec<Found>> {
        let mut lanes: HashMap<_, Vec<_>> = HashMap::new();
        for record in self.env.read(Topic::Orders).await {
            let (order_id, found) = found(&record);
            lanes.entry(order_id).or_default().push(found);
        }
        lanes
    }
}

fn event(order_id: OrderId, version: i64) -> Envelope {
    envelope(order_id, version, golden("OrderCompleted.v1.least"))
}

fn found(record: &Record) -> (OrderId, Found) {
    let envelope = record.envelope(Topic::Orders).expect("what a relay sends can be read");
    let Record { partition, offset, .. } = *record;
    (envelope.order_id, Found { partition, offset, version: envelope.version, id: envelope.id })
}

/// Turns the relay until it has nothing more to do.
async fn until_idle(relay: &mut Relay) {
    eventually("the relay is idle", PATIENCE, async || match relay.step().await {
        Ok(Step::Idle) => Ok(()),
        Ok(Step::Relayed(count)) => Err(format!("{count} relayed in a turn")),
        Err(error) => Err(format!("{error:#}")),
    })
    .await;
}

/// Turns the relay until nothing is left to send.
async fn until_all_are_sent(relay: &mut Relay, outbox: &Outbox, patience: Duration) {
    eventually_is("everything has gone out", patience, vec![], async || {
        relay.step().await?;
        outbox.unsent().await
    })
    .await;
}

/// How many events are there more than once, and how many came before their predecessor.
fn repeats_and_disorder(lanes: &HashMap<OrderId, Vec<Found>>) -> (usize, usize) {
    let (mut repeats, mut disorder) = (0, 0);
    for lane in lanes.values() {
        let mut highest = Version::NONE;
        for found in lane {
            if found.version <= highest {
                repeats += 1;
            } else if found.version == highest.next() {
                highest = found.version;
            } else {
                disorder += 1;
            }
        }
        disorder += lane.windows(2).filter(|pair| pair[0].partition != pair[1].partition).count();
    }
    (repeats, disorder)
}

fn versions(lane: &[Found]) -> Vec<i64> {
    lane.iter().map(|found| found.version.0).collect()
}

/// Long enough for a relay that would do the wrong thing to have done it many times.
const MANY_TURNS: usize = 20;

/// Turns the relay this often, whatever comes of it.
async fn turn(relay: &mut Relay, times: usize) -> Result<usize> {
    let mut relayed = 0;
    for _ in 0..times {
        if let Step::Relayed(count) = relay.step().await? {
            relayed += count;
        }
    }
    Ok(relayed)
}

/// A lane that rests is tried again after a second; this is the deadline for that.
const AFTER_A_REST: Duration = Duration::from_secs(30);
