//! What is to be seen in Kafka: one order's events lie in one partition for each direction, under its id, with everything in
//! their headers that a reader needs.

use std::collections::BTreeMap;

use chassis::messaging::Record;
use http::StatusCode;
use serde_json::{Value, json};
use shared_events::Topic;
use tests::{Env, PATIENCE, Pair, Reply, eventually, order_of};
use uuid::Uuid;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PARTITIONS: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_an_order_lie_in_one_partition_per_direction_with_key_and_headers() {
    let pair = Pair::start(Env::new("records").await).await;
    let shop = pair.shop();
    shop.sells("A", 100).await.expect("100 pieces");
    shop.serves("berlin", "1", 100).await.expect("Berlin is served");
    let mut ids = Vec::new();
    for _ in 0..12 {
        let request = shop.order_request("/orders", &order_of(&[("A", 1)], "10115"));
        let placed = Reply::to(request.header("traceparent", TRACE).header("prefer", "wait=30")).await;
        let placed = placed.expect("there is an answer");
        assert_eq!((placed.status, placed.text("/status")), (StatusCode::CREATED, "confirmed".to_owned()));
        ids.push(placed.text("/id"));
        let cancelled = shop.cancel(&placed.text("/id")).await.expect("there is an answer");
        assert_eq!(cancelled.status, StatusCode::ACCEPTED);
    }
    for id in &ids {
        eventually("the order is cancelled", PATIENCE, async || {
            let order = shop.order(id).await?;
            anyhow::ensure!(order["status"] == "cancelled", "{order}");
            Ok(())
        })
        .await;
    }
    pair.settles().await;

    let (orders, deliveries) = (pair.env.read(Topic::Orders).await, pair.env.read(Topic::Deliveries).await);
    assert_eq!((orders.len(), deliveries.len()), (24, 24));
    let mut partitions = BTreeMap::<i32, usize>::new();
    for id in &ids {
        let asked = lane(&orders, id, ["OrderCompleted", "OrderCancelled"], "order-service");
        let answered = lane(&deliveries, id, ["DeliveryCreated", "DeliveryCancelled"], "delivery-service");
        assert_eq!(partition(&asked), partition(&answered));
        assert_eq!(partition(&asked), i64::from(murmur2(id.as_bytes()) & 0x7fff_ffff) % i64::from(PARTITIONS));
        *partitions.entry(asked[0].partition).or_default() += 1;
        // Each answer says what it answers, and the caller's trace goes all the way.
        for (question, answer) in asked.iter().zip(&answered) {
            assert_eq!(header(answer, "ce_causationid"), header(question, "ce_id"));
        }
        assert_eq!(header(answered[0], "traceparent"), TRACE);
        assert_eq!(value(asked[0])["total"], json!({ "amount_minor": 1250, "currency": "EUR" }));
        assert_eq!(value(asked[1]), json!({ "reason": "customer" }));
    }
    assert!(partitions.len() > 1, "all orders lie in {partitions:?}");
}

/// The records of one order: its lane in one direction.
fn lane<'a>(records: &'a [Record], id: &str, types: [&str; 2], source: &str) -> Vec<&'a Record> {
    let lane: Vec<_> = records.iter().filter(|record| record.key.as_deref() == Some(id.as_bytes())).collect();
    assert_eq!(lane.len(), types.len());
    for (index, (record, kind)) in lane.iter().zip(types).enumerate() {
        assert_eq!(record.partition, lane[0].partition);
        assert_eq!(header(record, "ce_type"), kind);
        assert_eq!(header(record, "ce_sequence"), (index + 1).to_string());
        assert_eq!((header(record, "ce_subject"), header(record, "ce_correlationid")), (id, id));
        assert_eq!((header(record, "ce_specversion"), header(record, "content-type")), ("1.0", "application/json"));
        assert_eq!(header(record, "ce_source"), source);
        assert_eq!(header(record, "ce_dataschema"), format!("urn:order-delivery:{kind}:1"));
        assert!(header(record, "ce_id").parse::<Uuid>().is_ok());
        assert!(header(record, "ce_time").parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    }
    assert!(lane[0].offset < lane[1].offset);
    lane
}

fn partition(lane: &[&Record]) -> i64 {
    i64::from(lane[0].partition)
}

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    let mut named = record.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_deref());
    let (Some(Some(value)), None) = (named.next(), named.next()) else {
        panic!("{name} is not there once: {record:?}")
    };
    std::str::from_utf8(value).expect("a text")
}

fn value(record: &Record) -> Value {
    serde_json::from_slice(record.payload.as_deref().unwrap_or_default()).expect("JSON")
}

/// Kafka's own hash of a key, as its Java clients have it (`Utils.murmur2`): written down here once more, because a lane is
/// where Java would look for it, not where our library happens to put it.
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).expect("a short key");
    let mut hash = 0x9747_b28c ^ length;
    let mut fours = key.chunks_exact(4);
    for four in &mut fours {
        let mut k = u32::from_le_bytes([four[0], four[1], four[2], four[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = fours.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}
