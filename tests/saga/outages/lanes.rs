//! What a topic shows of the relay's work: every lane on one partition, its versions in order and without a hole. Repeats are allowed,
//! and counted.

use std::collections::BTreeMap;

use bytes::Bytes;
use chassis::messaging::Record;
use shared_events::Topic;
use tests::Env;

struct Lane {
    partition: i32,
    highest: i64,
}

/// Checks all lanes of a topic. Answers with the number of records that were repeats.
pub async fn repeats(env: &Env, topic: Topic) -> usize {
    let mut lanes: BTreeMap<Bytes, Lane> = BTreeMap::new();
    let mut repeats = 0;
    for record in env.read(topic).await {
        let (key, version) = (record.key.clone().expect("a key"), version(&record));
        let lane = lanes.entry(key).or_insert(Lane { partition: record.partition, highest: 0 });
        assert_eq!(lane.partition, record.partition, "a lane on two partitions: {record:?}");
        assert!(version <= lane.highest + 1, "a hole before version {version}: {record:?}");
        repeats += usize::from(version <= lane.highest);
        lane.highest = lane.highest.max(version);
    }
    repeats
}

fn version(record: &Record) -> i64 {
    let header = record.headers.iter().find(|(name, _)| name == "ce_sequence").and_then(|(_, value)| value.as_deref());
    let text = std::str::from_utf8(header.expect("a version")).expect("a text");
    text.parse().expect("a number")
}
