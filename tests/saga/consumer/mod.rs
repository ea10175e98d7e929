//! From Kafka to the inbox: offsets, groups, and consumers that come and go.

mod flow;
mod groups;
mod offsets;

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use chassis::messaging::{Record, kafka};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use shared_events::{Envelope, OrderId, Topic};
use tests::{Env, TestInbox, TestReactions, envelope, golden, record};

const KAFKA_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// An inbox, and the topic that its consumers read.
struct Reader {
    env: Env,
    inbox: TestInbox,
    partitions: i32,
}

impl Reader {
    async fn new(name: &str, partitions: i32) -> Self {
        let env = Env::new(name).await;
        env.create_topics(partitions).await;
        let inbox = TestInbox::new(&env).await;
        Self { env, inbox, partitions }
    }

    fn record(&self, envelope: &Envelope) -> Record {
        record(&self.env.topic(Topic::Orders), envelope)
    }

    /// Where the group goes on reading, partition after partition; none where it has committed nothing yet.
    async fn committed(&self) -> Result<Vec<Option<i64>>> {
        let (settings, group) = (self.env.kafka("onlooker"), self.inbox.group(&self.env));
        let (topic, partitions) = (self.env.topic(Topic::Orders), self.partitions);
        let asked = tokio::task::spawn_blocking(move || {
            let onlooker: BaseConsumer = kafka::admin(&settings).set("group.id", &group).create()?;
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition_range(&topic, 0, partitions - 1);
            let offsets = onlooker.committed_offsets(wanted, KAFKA_ANSWERS_WITHIN)?;
            let next = offsets.elements().into_iter().map(|element| match element.offset() {
                Offset::Offset(next) => Some(next),
                Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
            });
            anyhow::Ok(next.collect())
        });
        asked.await.context("the onlooker died")?
    }

    /// How many records the group has behind it, on all partitions together.
    async fn behind(&self) -> Result<i64> {
        Ok(self.committed().await?.into_iter().flatten().sum())
    }

    /// Everything was applied once, and each lane in order.
    async fn ensure_each_once_in_order(&self, orders: &[OrderId], versions: i64) -> Result<()> {
        let mut lanes: HashMap<_, Vec<_>> = HashMap::new();
        for row in TestReactions::applied(&self.inbox.pool).await {
            lanes.entry(OrderId(row.order_id)).or_default().push(row.version);
        }
        ensure!(lanes.len() == orders.len(), "{} orders instead of {}", lanes.len(), orders.len());
        let expected: Vec<_> = (1..=versions).collect();
        for order in orders {
            ensure!(lanes.get(order) == Some(&expected), "order {order}: {:?}", lanes.get(order));
        }
        Ok(())
    }
}

fn completed(order_id: OrderId, version: i64) -> Envelope {
    envelope(order_id, version, golden("OrderCompleted.v1.least"))
}
