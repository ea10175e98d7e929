//! What gets on the wire, and what does not.

use anyhow::Result;
use chassis::{
    Tx,
    messaging::{Outgoing, announce},
};
use shared_events::{Cause, Topic, Version};
use tests::{envelope, fresh_order, golden};

use super::{Outbox, event, until_idle};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_transaction_that_is_rolled_back_gets_on_the_wire() -> Result<()> {
    let outbox = Outbox::new("rolledback", 1).await;
    let mut relay = outbox.relay();
    let mut tx = Tx::from(outbox.pool.begin().await?);
    announce(&mut tx, &[Outgoing::New(event(fresh_order(), 1))]).await?;
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.len(), 0, "an open transaction was sent");

    tx.rollback().await?;
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.len(), 0, "a rolled-back transaction was sent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_travels_as_its_contract_says_under_the_key_of_its_order() -> Result<()> {
    let outbox = Outbox::new("contract", 3).await;
    let mut told = envelope(fresh_order(), 1, golden("OrderCompleted.v1"));
    told.cause = Cause { id: "ein-Grund: ünïcode".to_owned(), trace_parent: Some("00-4bf9-00f0-01".to_owned()) };
    let mut tx = Tx::from(outbox.pool.begin().await?);
    announce(&mut tx, &[Outgoing::New(told.clone())]).await?;
    tx.commit().await?;
    until_idle(&mut outbox.relay()).await;

    let records = outbox.env.read(Topic::Orders).await;
    let [record] = records.as_slice() else { panic!("{} records instead of one", records.len()) };
    assert_eq!(record.envelope(Topic::Orders)?, told);
    let wire = told.to_wire()?;
    assert_eq!(record.key.as_deref(), Some(wire.key.as_bytes()));
    assert_eq!(record.payload.as_deref(), Some(wire.data.as_slice()));
    let headers: Vec<_> = wire.headers.into_iter().map(|(k, v)| (k.to_owned(), Some(v.into()))).collect();
    assert_eq!(record.headers, headers);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn announcing_again_sends_the_same_id_and_version_and_bytes() -> Result<()> {
    let outbox = Outbox::new("again", 3).await;
    let mut relay = outbox.relay();
    let order_id = fresh_order();
    outbox.announce(order_id, 1).await?;
    outbox.announce(order_id, 2).await?;
    until_idle(&mut relay).await;

    let mut tx = Tx::from(outbox.pool.begin().await?);
    announce(&mut tx, &[Outgoing::Again { order_id, version: Version(1) }]).await?;
    tx.commit().await?;
    until_idle(&mut relay).await;

    let records = outbox.env.read(Topic::Orders).await;
    let [first, _, again] = records.as_slice() else { panic!("{} records instead of three", records.len()) };
    assert_eq!((&again.key, &again.headers, &again.payload), (&first.key, &first.headers, &first.payload));
    assert_eq!(again.partition, first.partition);
    assert_eq!(outbox.unsent().await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn announcing_again_what_has_not_gone_out_yet_adds_nothing() -> Result<()> {
    let outbox = Outbox::new("againearly", 1).await;
    let order_id = fresh_order();
    outbox.announce(order_id, 1).await?;
    let mut tx = Tx::from(outbox.pool.begin().await?);
    announce(&mut tx, &[Outgoing::Again { order_id, version: Version(1) }]).await?;
    tx.commit().await?;
    until_idle(&mut outbox.relay()).await;
    assert_eq!(outbox.lanes().await[&order_id].len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_version_cannot_be_announced_for_two_events() -> Result<()> {
    let outbox = Outbox::new("versiontwice", 1).await;
    let order_id = fresh_order();
    outbox.announce(order_id, 1).await?;
    let refused = outbox.announce(order_id, 1).await.expect_err("the second one is refused");
    assert!(format!("{refused:#}").contains("duplicate key"), "{refused:#}");
    Ok(())
}
