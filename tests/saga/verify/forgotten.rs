//! What Kafka has deleted and what the log need not keep is not missed, and it is said how much that is.

use std::collections::BTreeSet;

use chassis::{clock, messaging::kafka};
use chrono::TimeDelta;
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use sagactl::verify::Invariant;
use shared_events::{OrderId, Topic};
use sqlx::types::Uuid;
use tests::{Env, envelope, golden, record};

use super::{AT_ONCE, confirmed, open, stop, verify};

const ORDERS: u64 = 4;

/// As many orders as there have to be for each partition to have some, most likely; and nobody at work.
async fn confirmed_and_stopped(name: &str) -> Env {
    let pair = open(name).await;
    for _ in 0..ORDERS {
        confirmed(&pair.shop()).await;
    }
    pair.settles().await;
    stop(pair).await
}

/// What retention does, at once.
async fn delete_all(env: &Env, topic: Topic) {
    let admin: AdminClient<DefaultClientContext> = kafka::admin(&env.kafka("tests")).create().expect("a client");
    let name = env.topic(topic);
    let partitions: BTreeSet<i32> = env.read(topic).await.into_iter().map(|record| record.partition).collect();
    let mut gone = TopicPartitionList::new();
    for partition in partitions {
        gone.add_partition_offset(&name, partition, Offset::End).expect("a partition");
    }
    let deleted = admin.delete_records(&gone, &AdminOptions::new()).await.expect("Kafka deletes records");
    assert!(deleted.elements().iter().all(|element| element.error().is_ok()), "{deleted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_whose_beginning_was_deleted_is_judged_by_what_is_younger() {
    let env = confirmed_and_stopped("topicscut").await;
    delete_all(&env, Topic::Orders).await;
    let report = verify(&env, AT_ONCE).await;
    assert!(report.holds(), "{report}");
    let read = report.topics.clone().expect("the topics were read");
    assert_eq!((read.records - read.repeats, read.not_judged_by_topics), (ORDERS, ORDERS), "{report}");

    // Its records are younger than all that was deleted: these are missed.
    let young = OrderId(Uuid::from_u128(OrderId::earliest_at(clock::now() + TimeDelta::hours(2)).0.as_u128() | 1));
    let mut cancelled = record(&env.topic(Topic::Orders), &envelope(young, 2, golden("OrderCancelled.v1")));
    cancelled.partition = 0;
    env.produce(&[cancelled]).await;
    let report = verify(&env, AT_ONCE).await;
    assert_eq!(report.violations.get(&Invariant::I8), Some(&1), "{report}");
    assert!(report.findings.iter().all(|finding| finding.subject == format!("order {young}")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_the_log_has_forgotten_are_not_missed() {
    let env = confirmed_and_stopped("topicsnolog").await;
    for url in [env.orders_database(), env.deliveries_database()] {
        let pool = env.pool(url);
        let later = OrderId::earliest_at(clock::now() + TimeDelta::hours(1)).0;
        let horizon = sqlx::query("insert into event_log_horizon (before) values ($1)").bind(later);
        horizon.execute(&pool).await.expect("a horizon");
        sqlx::query("delete from event_log").execute(&pool).await.expect("the log is empty");
    }
    let report = verify(&env, AT_ONCE).await;
    assert!(report.holds(), "{report}");
    let read = report.topics.clone().expect("the topics were read");
    assert_eq!((read.not_judged_by_logs, read.not_judged_by_topics), (ORDERS, 0), "{report}");
}
