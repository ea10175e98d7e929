//! Crashes, and events that cannot be published.

use anyhow::{Context, Result};
use chassis::{Tx, messaging::Step};
use shared_events::{OrderId, Topic, Version};
use sqlx::PgPool;
use tests::{COMMIT, PATIENCE, Proxy, eventually, fresh_order};

use super::{AFTER_A_REST, MANY_TURNS, Outbox, repeats_and_disorder, turn, until_all_are_sent, until_idle, versions};

/// How the relay deletes what was acknowledged, as it travels to PostgreSQL.
const DELETE: &[u8] = b"delete from outbox";

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_between_acknowledgement_and_deletion_is_followed_by_a_repeat() -> Result<()> {
    let outbox = Outbox::new("diesbetween", 1).await;
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let order = fresh_order();
    let told = outbox.announce(order, 1).await?;

    proxy.lose_questions(DELETE, 1);
    let mut doomed = outbox.relay_on(outbox.env.pool(&proxy.url(outbox.env.orders_database())));
    eventually("the deletion is lost", PATIENCE, async || match doomed.step().await {
        Ok(step) => Err(format!("{step:?}")),
        Err(_) => Ok(()),
    })
    .await;
    drop(doomed);
    assert_eq!(outbox.lanes().await[&order].len(), 1, "the event had been acknowledged");
    assert_eq!(outbox.unsent().await?, [(order, Version(1))], "its pointer is still there");

    until_idle(&mut outbox.relay()).await;
    let lanes = outbox.lanes().await;
    assert_eq!(lanes[&order].iter().map(|found| found.id).collect::<Vec<_>>(), [told.id, told.id]);
    assert_eq!(outbox.unsent().await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_goes_on_by_itself_after_its_database_was_cut_off() -> Result<()> {
    let outbox = Outbox::new("goeson", 3).await;
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let mut relay = outbox.relay_on(outbox.env.pool(&proxy.url(outbox.env.orders_database())));
    let mut orders = Vec::new();
    for round in 0..10 {
        for _ in 0..20 {
            let order = fresh_order();
            outbox.announce(order, 1).await?;
            outbox.announce(order, 2).await?;
            orders.push(order);
        }
        if round % 2 == 0 {
            proxy.lose_questions(DELETE, 1)
        } else {
            proxy.lose_answers_to(DELETE, 1)
        }
        if round % 3 == 0 {
            proxy.cut();
        }
        until_idle(&mut relay).await;
    }
    assert!(proxy.sprung() > 0, "nothing was cut");
    let lanes = outbox.lanes().await;
    assert_eq!(lanes.len(), orders.len());
    assert_eq!(repeats_and_disorder(&lanes).1, 0);
    assert!(lanes.values().all(|lane| versions(lane).contains(&2)), "a lane is not whole");
    assert_eq!(outbox.unsent().await?, []);
    Ok(())
}

/// Blows an event up to so many bytes, where it lies.
async fn inflate(pool: &PgPool, order: OrderId, bytes: i32) -> Result<()> {
    let inflate = "update event_log set data = convert_to(repeat('x', $2), 'utf8') where order_id = $1 and version = 1";
    sqlx::query(inflate).bind(order.0).bind(bytes).execute(pool).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_published_rests_alone_with_its_order() -> Result<()> {
    let outbox = Outbox::new("toolarge", 1).await;
    // Too large for the topic, so the broker refuses it; and too large for the client, which does not even send it.
    let (refused, unsendable, pointless) = (fresh_order(), fresh_order(), fresh_order());
    for (order, bytes) in [(refused, 300_000), (unsendable, 1_500_000)] {
        outbox.announce(order, 1).await?;
        outbox.announce(order, 2).await?;
        inflate(&outbox.pool, order, bytes).await?;
    }
    // A pointer to nothing: a hand in the database.
    sqlx::query("insert into outbox (order_id, version) values ($1, 1)")
        .bind(pointless.0)
        .execute(&outbox.pool)
        .await?;
    let mut others = Vec::new();
    for _ in 0..50 {
        let order = fresh_order();
        outbox.announce(order, 1).await?;
        outbox.announce(order, 2).await?;
        others.push(order);
    }

    let mut relay = outbox.relay();
    until_idle(&mut relay).await;
    let lanes = outbox.lanes().await;
    assert_eq!(lanes.len(), others.len(), "only the others went out");
    assert_eq!(repeats_and_disorder(&lanes), (0, 0));
    assert!(others.iter().all(|order| versions(&lanes[order]) == [1, 2]), "and all of them at once");
    let resting = [refused, unsendable].map(|order| [(order, Version(1)), (order, Version(2))]);
    let mut unsent = resting.concat();
    unsent.push((pointless, Version(1)));
    assert_eq!(outbox.unsent().await?, unsent, "what rests stays in the outbox, its successors behind it");

    let late = fresh_order();
    outbox.announce(late, 1).await?;
    turn(&mut relay, MANY_TURNS).await?;
    assert!(outbox.lanes().await.contains_key(&late), "what comes later flows too");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_rested_goes_out_once_it_can_and_its_successor_after_it() -> Result<()> {
    let outbox = Outbox::new("mended", 1).await;
    let order = fresh_order();
    outbox.announce(order, 1).await?;
    outbox.announce(order, 2).await?;
    inflate(&outbox.pool, order, 300_000).await?;
    let mut relay = outbox.relay();
    until_idle(&mut relay).await;
    assert_eq!(outbox.unsent().await?.len(), 2);

    let mend = "update event_log broken set data = sound.data from event_log sound
                where broken.order_id = $1 and broken.version = 1 and sound.order_id = $1 and sound.version = 2";
    sqlx::query(mend).bind(order.0).execute(&outbox.pool).await?;
    until_all_are_sent(&mut relay, &outbox, AFTER_A_REST).await;
    assert_eq!(versions(&outbox.lanes().await[&order]), [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_at_once_are_not_refused_for_being_too_large_together() -> Result<()> {
    let outbox = Outbox::new("together", 1).await;
    let mut orders = Vec::new();
    for _ in 0..100 {
        let order = fresh_order();
        outbox.announce(order, 1).await?;
        orders.push(order);
    }
    // Ten kilobytes each: a megabyte in one go, on a topic that takes a quarter of that.
    let widen = "update event_log set data = convert_to(left(convert_from(data, 'utf8'), -1) || repeat(' ', 10000) || '}', 'utf8')";
    sqlx::query(widen).execute(&outbox.pool).await?;
    let mut relay = outbox.relay();
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.len(), orders.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_the_broker_stands_still_arrives_when_it_goes_on() -> Result<()> {
    let env = tests::Env::apart("brokerpaused").await;
    env.create_topics(1).await;
    let pool = env.chassis_tables(env.orders_database()).await;
    let outbox = Outbox { env, pool };
    let mut relay = outbox.relay();
    let order = fresh_order();
    outbox.announce(order, 1).await?;
    until_idle(&mut relay).await;

    outbox.env.broker().await.pause()?;
    outbox.announce(order, 2).await?;
    outbox.announce(order, 3).await?;
    assert_eq!(turn(&mut relay, MANY_TURNS).await?, 0, "nothing is acknowledged");
    assert_eq!(outbox.unsent().await?, [(order, Version(2)), (order, Version(3))], "and nothing is deleted");

    outbox.env.broker().await.resume()?;
    until_all_are_sent(&mut relay, &outbox, PATIENCE).await;
    assert_eq!(repeats_and_disorder(&outbox.lanes().await).1, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_announces_nothing() -> Result<()> {
    let outbox = Outbox::new("lostcommit", 1).await;
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let through = outbox.env.pool(&proxy.url(outbox.env.orders_database()));
    proxy.lose_questions(COMMIT, 1);
    let mut tx = Tx::from(through.begin().await?);
    let lost = chassis::messaging::Outgoing::New(super::event(fresh_order(), 1));
    chassis::messaging::announce(&mut tx, &[lost]).await?;
    tx.commit().await.err().context("the commit is lost")?;
    let mut relay = outbox.relay();
    assert_eq!(relay.step().await?, Step::Idle);
    assert_eq!(outbox.env.read(Topic::Orders).await, []);
    Ok(())
}
