//! Others are at work at the same time: other janitors, long transactions, the business.

use anyhow::{Context, ensure};
use sqlx::Connection;
use tests::{PATIENCE, eventually};
use tokio::task::JoinSet;

use super::*;

/// The janitors' advisory lock.
const LOCK: i64 = 0x6772_6f77_7468_0001;

#[tokio::test(flavor = "multi_thread")]
async fn janitors_at_the_same_time_do_the_work_of_one() -> Result<()> {
    let books = Books::new("twojanitors").await;
    for number in (0..60).step_by(2) {
        let announced = books.announce(day(number)).await?;
        books.all_sent_but(&[]).await?;
        let mut janitors = JoinSet::new();
        for _ in 0..4 {
            let janitor = books.janitor();
            janitors.spawn(async move { janitor.step(day(number) + TimeDelta::hours(1)).await });
        }
        let turns: sqlx::Result<Vec<_>> = janitors.join_all().await.into_iter().collect();
        turns.context("a janitor fell")?;
        // Whoever finds another one at work leaves it to that one, and what nobody did is done by the next.
        books.undisturbed(&books.janitor(), day(number) + TimeDelta::hours(1)).await?;
        assert_ne!(books.partition_of(announced.order_id).await?, "event_log_default");
        assert!(books.partitions().await? <= 14, "day {number}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_janitor_leaves_everything_to_another_one_that_is_at_work() -> Result<()> {
    let books = Books::new("otherjanitor").await;
    books.janitor().prepare(day(0)).await?;
    books.announce(day(0)).await?;
    books.all_sent_but(&[]).await?;
    let mut other = books.pool.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *other).await?;
    assert_eq!(books.janitor().step(day(40)).await?, Default::default());
    assert_eq!((books.logged().await?.len(), books.partitions().await?), (1, 4));
    other.rollback().await?;
    let turn = books.undisturbed(&books.janitor(), day(40)).await?;
    assert_eq!((turn.created, turn.dropped), (3, 3), "{turn:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_delays_the_janitor_and_nobody_else() -> Result<()> {
    let books = Books::new("longtransaction").await;
    books.janitor().prepare(day(0)).await?;
    let old = books.announce(day(0)).await?;
    books.all_sent_but(&[]).await?;

    let mut reader = books.pool.begin().await?;
    let _: i64 = sqlx::query_scalar("select count(*) from event_log").fetch_one(&mut *reader).await?;
    let turn = books.janitor().step(day(40)).await?;
    // Making a partition takes the default one, dropping one takes the log.
    assert_eq!((turn.created, turn.dropped, turn.delayed), (0, 0, 6), "{turn:?}");
    let meanwhile = books.announce(day(40)).await?;
    assert_eq!(books.partition_of(meanwhile.order_id).await?, "event_log_default");
    assert!(books.has(old.order_id).await?);

    reader.rollback().await?;
    let turn = books.undisturbed(&books.janitor(), day(40)).await?;
    assert_eq!((turn.created, turn.moved, turn.dropped), (3, 1, 3), "{turn:?}");
    assert_ne!(books.partition_of(meanwhile.order_id).await?, "event_log_default");
    assert!(!books.has(old.order_id).await?);
    Ok(())
}

/// What is announced between the janitor's look and its lock is found by its second look.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_at_the_last_moment_keeps_its_partition() -> Result<()> {
    let books = Arc::new(Books::new("lastmoment").await);
    books.janitor().prepare(day(0)).await?;
    // Of the first partition that the janitor looks at.
    let order = order_placed(day(0));
    let mut version = 0;
    eventually("the janitor had to wait for somebody who announced something, and saw it", PATIENCE, async || {
        books.all_sent_but(&[]).await?;
        version += 1;
        let late = event(order, version, day(40));
        let mut tx = Tx::from(books.pool.begin().await?);
        announce(&mut tx, &[Outgoing::New(late)]).await?;
        let janitor = books.janitor();
        let turning = tokio::spawn(async move { janitor.step(day(40)).await });
        eventually("the janitor waits for the log", PATIENCE, async || {
            let waits = "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'
                         and relation = 'event_log'::regclass and database = (select oid from pg_database where datname = current_database())";
            let waits = books.number(waits).await?;
            ensure!(waits == 1 || turning.is_finished(), "it does not wait");
            anyhow::Ok(())
        })
        .await;
        tx.commit().await?;
        let turn = turning.await.context("the janitor lives")??;
        assert!(books.logged().await?.contains(&(order, version)), "what is unsent is gone: {turn:?}");
        ensure!(turn.kept > 0, "{turn:?}");
        anyhow::Ok(())
    })
    .await;
    assert_eq!(books.number("select count(*) from outbox join event_log using (order_id, version)").await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_business_goes_on_while_partitions_come_and_go() -> Result<()> {
    let books = Arc::new(Books::new("goeson").await);
    books.janitor().prepare(day(0)).await?;
    let (today, done) = (Arc::new(Mutex::new(day(0))), Arc::new(Mutex::new(false)));
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let (books, today, done) = (books.clone(), today.clone(), done.clone());
        writers.spawn(async move {
            let mut connection = sqlx::PgConnection::connect(books.env.orders_database()).await?;
            // Whoever waits longer than this for a lock gets an error, and the test with it.
            sqlx::query("set lock_timeout = '5s'").execute(&mut connection).await?;
            let mut written = 0;
            while !*done.lock().expect("a flag") {
                let at = *today.lock().expect("a day");
                // Of today, and now and then about an order of long ago.
                let placed = if written % 10 == 0 { at - TimeDelta::days(40) } else { at };
                let mut tx = Tx::from(connection.begin().await?);
                announce(&mut tx, &[Outgoing::New(event(order_placed(placed), 1, at))]).await?;
                tx.commit().await?;
                sqlx::query("delete from outbox where seq in (select seq from outbox order by seq limit 2)")
                    .execute(&mut connection)
                    .await?;
                written += 1;
            }
            anyhow::Ok(written)
        });
    }
    let janitor = books.janitor();
    let (mut created, mut dropped) = (0, 0);
    for number in 0..60 {
        *today.lock().expect("a day") = day(number);
        let turn = janitor.step(day(number)).await?;
        (created, dropped) = (created + turn.created, dropped + turn.dropped);
    }
    *done.lock().expect("a flag") = true;
    let written: Vec<i32> = writers.join_all().await.into_iter().collect::<Result<_>>().context("a writer fell")?;
    assert!(written.iter().all(|written| *written > 20), "{written:?}");
    assert!(created > 20 && dropped > 15, "{created} made, {dropped} dropped");
    // Nothing that is unsent is gone.
    let dangling = "select count(*) from outbox left join event_log using (order_id, version) where event_id is null";
    assert_eq!(books.number(dangling).await?, 0);
    Ok(())
}
