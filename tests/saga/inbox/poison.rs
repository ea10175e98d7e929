//! Records that nobody can read: they alone are put aside, byte for byte.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use bytes::Bytes;
use chassis::messaging::{Outcome, Record};
use shared_events::OrderId;
use tests::{envelope, fresh_order, golden, record};

use super::{Parked, Receiver, completed, gap};

/// Records of which each is broken in another way, with the cause it has to be parked for. Each is about an order of its own.
pub fn poison(topic: &str) -> Vec<(Record, &'static str)> {
    let sound = || record(topic, &completed(fresh_order(), 1));
    let with_payload = |payload: Option<Vec<u8>>| Record { payload: payload.map(Bytes::from), ..sound() };
    let with_header = |name: &str, value: Option<&[u8]>| {
        let mut record = sound();
        let header = record.headers.iter_mut().find(|(found, _)| found == name).expect("a header of that name");
        header.1 = value.map(Bytes::copy_from_slice);
        record
    };
    let without_header = |name: &str| {
        let mut record = sound();
        record.headers.retain(|(found, _)| found != name);
        record
    };
    let undecodable = [
        with_payload(None),
        with_payload(Some(Vec::new())),
        with_payload(Some(b"{\"items\": [".to_vec())),
        with_payload(Some(b"null".to_vec())),
        with_payload(Some(b"\0\xff\xfe{}".to_vec())),
        with_payload(Some(vec![b'x'; 200_000])),
        with_header("ce_time", Some(b"\xff\xfe\0")),
        with_header("ce_id", Some(b"\0")),
        with_header("ce_causationid", None),
        with_header("ce_subject", Some(b"not-a-uuid")),
        with_header("ce_sequence", Some(b"0")),
        with_header("ce_sequence", Some(b"-1")),
        with_header("ce_sequence", Some(b"99999999999999999999")),
        with_header("ce_specversion", Some(b"9.9")),
        with_header("ce_source", Some(b"delivery-service")),
        with_header("content-type", Some(b"text/html")),
        with_header("ce_correlationid", Some(fresh_order().to_string().as_bytes())),
        without_header("ce_id"),
        without_header("ce_subject"),
        without_header("ce_type"),
        Record { headers: Vec::new(), ..sound() },
        Record { key: None, ..sound() },
        Record { key: Some(Bytes::from_static(b"\xff\0")), ..sound() },
        Record { key: Some(fresh_order().to_string().into()), ..sound() },
        // A sound event, but of the other topic.
        record(topic, &envelope(fresh_order(), 1, golden("DeliveryCreated.v1"))),
    ];
    let unknown = [
        with_header("ce_type", Some(b"OrderShipped")),
        with_header("ce_type", Some(b"ordercompleted")),
        with_header("ce_dataschema", Some(b"urn:order-delivery:OrderCompleted:99")),
    ];
    let undecodable = undecodable.into_iter().map(|record| (record, "undecodable"));
    undecodable.chain(unknown.into_iter().map(|record| (record, "unknown_schema"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_records_in_a_batch_cost_only_themselves_and_are_kept_byte_for_byte() -> Result<()> {
    const BATCH: usize = 500;
    let mut receiver = Receiver::new("poison").await;
    let broken = poison(&receiver.env.topic(shared_events::Topic::Orders));
    let every = BATCH / broken.len();
    let mut batch = Vec::new();
    let mut expected = Vec::new();
    let mut waiting = broken.into_iter();
    for position in 0..BATCH {
        match waiting.next().filter(|_| position % every == 0) {
            Some((record, cause)) => {
                let record = receiver.place(record);
                expected.push((record.clone(), cause));
                batch.push(record);
            }
            None => batch.push(receiver.record(&completed(fresh_order(), 1))),
        }
    }

    let outcomes = receiver.inbox.apply(&batch).await;

    let broken: HashSet<_> = expected.iter().map(|(record, _)| record.offset).collect();
    for (record, outcome) in batch.iter().zip(&outcomes) {
        let is_parked = matches!(outcome, Outcome::Parked(_));
        assert_eq!(is_parked, broken.contains(&record.offset), "offset {}: {outcome:?}", record.offset);
    }
    let parked = receiver.parked().await;
    assert_eq!(parked.len(), expected.len());
    for (parked, (record, cause)) in parked.iter().zip(&expected) {
        parked.ensure_is(record)?;
        assert_eq!(parked.state(), (*cause, "-"), "{}", parked.error);
        assert_eq!(parked.next_attempt_at, None, "nothing but another program can read it");
        assert!(!parked.error.is_empty());
    }
    assert_eq!(receiver.inbox.applied().await?, i64::try_from(BATCH - expected.len())?);
    assert_eq!(receiver.inbox.reactions.batches(), [BATCH - expected.len()], "all the others in one go");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_record_that_comes_again_is_still_one_parked_record() {
    let mut receiver = Receiver::new("poisontwice").await;
    let broken = Record { payload: Some(Bytes::from_static(b"{")), ..receiver.record(&completed(fresh_order(), 1)) };
    receiver.one(broken.clone()).await;
    receiver.one(broken.clone()).await;
    let parked = receiver.parked().await;
    assert_eq!(parked.len(), 1);
    parked[0].ensure_is(&broken).expect("it is kept as it came");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_broken_record_at_the_same_place_is_kept_too_when_the_topic_was_made_anew() -> Result<()> {
    let receiver = Receiver::new("poisonanew").await;
    let topic = receiver.env.topic(shared_events::Topic::Orders);
    let broken = poison(&topic).into_iter().map(|(record, _)| record);
    let at_one_place: Vec<_> = broken.map(|record| Record { partition: 0, offset: 0, ..record }).collect();
    for record in &at_one_place {
        assert!(matches!(receiver.one(record.clone()).await, Outcome::Parked(_)));
    }
    let parked = receiver.parked().await;
    for record in &at_one_place {
        ensure!(parked.iter().any(|parked| parked.ensure_is(record).is_ok()), "{record:?} is not kept");
    }
    assert_eq!(parked.len(), at_one_place.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_come_again_at_once_are_each_still_one_parked_record_that_was_tried_again() -> Result<()> {
    let mut receiver = Receiver::new("poisonagain").await;
    let topic = receiver.env.topic(shared_events::Topic::Orders);
    let mut broken: Vec<_> = poison(&topic).into_iter().map(|(record, _)| receiver.place(record)).collect();
    let rejected = fresh_order();
    receiver.inbox.reactions.reject(rejected, 1);
    let waiting = receiver.records(rejected, [3, 2]);
    receiver.inbox.apply(&[&broken[..], &waiting].concat()).await;
    // A rebalance can bring what is still on its way once more into the same batch.
    let again = [&broken[..], &broken[..5], &waiting].concat();
    let outcomes = receiver.inbox.apply(&again).await;

    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Parked(_))), "{outcomes:?}");
    broken.extend(waiting);
    let parked = receiver.parked().await;
    assert_eq!(parked.len(), broken.len());
    for (parked, record) in parked.iter().zip(&broken) {
        parked.ensure_is(record)?;
        assert_eq!((parked.attempts, parked.next_attempt_at), (2, None), "{}", parked.cause);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_broken_record_on_its_lane_waits_for_it() -> Result<()> {
    let mut receiver = Receiver::new("behindpoison").await;
    let order = fresh_order();
    let broken = Record { payload: Some(Bytes::from_static(b"{")), ..receiver.record(&completed(order, 1)) };
    let next = receiver.record(&completed(order, 2));
    let outcomes = receiver.inbox.apply(&[broken, next]).await;
    assert!(matches!(outcomes[0], Outcome::Parked(_)));
    assert_eq!(outcomes[1], gap(0));

    // Whoever announced it sends it again, sound this time.
    assert_eq!(receiver.receive(order, 1).await, Outcome::Handled);
    receiver.retry_what_is_due().await?;
    assert_eq!(receiver.applied(order).await, [1, 2]);
    let states: Vec<_> = receiver.parked().await.iter().map(Parked::state).map(own).collect();
    assert_eq!(states, [own(("undecodable", "applied")), own(("gap", "applied"))]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_copy_of_what_was_applied_is_only_a_repeat() {
    let mut receiver = Receiver::new("brokencopy").await;
    let order: OrderId = fresh_order();
    assert_eq!(receiver.receive(order, 1).await, Outcome::Handled);
    let copy = Record { payload: None, ..receiver.record(&completed(order, 1)) };
    assert_eq!(receiver.one(copy).await, Outcome::Duplicate);
    assert_eq!(receiver.parked().await, []);
}

fn own((cause, resolution): (&str, &str)) -> (String, String) {
    (cause.to_owned(), resolution.to_owned())
}
