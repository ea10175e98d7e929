//! What was there before the log had partitions, or before its partition was made.

use std::{borrow::Cow, path::Path};

use sqlx::{Executor, migrate::Migrator};
use tests::Env;

use super::*;

/// The chassis' tables as they were before.
async fn first_tables(pool: &PgPool) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chassis/migrations");
    let mut first = Migrator::new(folder).await?;
    first.migrations = Cow::Owned(first.iter().filter(|migration| migration.version == 1).cloned().collect());
    first.dangerous_set_table_name("_chassis_migrations");
    first.run(pool).await?;
    Ok(())
}

async fn digest(pool: &PgPool) -> Result<(i64, String)> {
    let all = "select count(*), md5(string_agg(l::text, E'\\n' order by order_id, version)) from
               (select order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data from event_log) as l";
    Ok(sqlx::query_as(all).fetch_one(pool).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_the_log_before_it_had_partitions_is_in_it_afterwards() -> Result<()> {
    let env = Env::new("migrated log").await;
    let pool = env.pool(env.orders_database());
    first_tables(&pool).await?;
    let now = chassis::clock::now();
    let (old, of_today, of_another_age) =
        (order_placed(now - TimeDelta::days(200)), order_placed(now), order_placed(day(0)));
    for (order, version) in [(old, 1), (old, 2), (of_today, 1), (of_another_age, 1)] {
        let insert =
            sqlx::query("insert into event_log values ($1, $2, $3, 'OrderCompleted', '/x', $4, 'cause', null, $5)");
        insert
            .bind(order.0)
            .bind(version)
            .bind(fresh_order().0)
            .bind(now)
            .bind(order.0.as_bytes().as_slice())
            .execute(&pool)
            .await?;
    }
    pool.execute("insert into outbox (order_id, version) select order_id, version from event_log").await?;
    let before = digest(&pool).await?;

    chassis::migrate(&pool, &Migrator::DEFAULT).await?;
    assert_eq!(digest(&pool).await?, before);
    let books = Books { env, pool, open: Open::default() };
    assert_eq!(books.partition_of(old).await?, "event_log_before");
    assert_eq!(books.partition_of(of_today).await?, "event_log_before");
    assert_eq!(books.partition_of(of_another_age).await?, "event_log_default");
    // They are as much part of it as ever: no version twice, and the next one goes in.
    let twice = books.announce_all([&event(of_today, 1, now)]).await.expect_err("it is there");
    assert!(format!("{twice:#}").contains("duplicate key"), "{twice:#}");
    books.announce_all([&event(of_today, 2, now)]).await?;

    let janitor = books.janitor();
    let turn = books.undisturbed(&janitor, now).await?;
    assert_eq!((turn.dropped, turn.kept, turn.events), (0, 0, 0), "{turn:?}");
    // All of it is old one day, and goes when it is sent.
    let later = now + TimeDelta::days(30);
    books.undisturbed(&janitor, later).await?;
    assert_eq!(books.logged().await?.len(), 5, "unsent events are gone");
    books.all_sent_but(&[]).await?;
    let turn = books.undisturbed(&janitor, later).await?;
    assert!(turn.dropped >= 1, "{turn:?}");
    assert_eq!(books.logged().await?, [(of_another_age, 1)].into());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_its_partition_is_moved_into_it() -> Result<()> {
    let books = Books::new("moved").await;
    let early = books.announce(day(0) + TimeDelta::hours(1)).await?;
    let next = books.announce(day(4)).await?;
    let far = books.announce(day(30)).await?;
    for one in [&early, &next, &far] {
        assert_eq!(books.partition_of(one.order_id).await?, "event_log_default");
    }
    let turn = books.undisturbed(&books.janitor(), day(0)).await?;
    assert_eq!((turn.created, turn.moved), (3, 2), "{turn:?}");
    assert_ne!(books.partition_of(early.order_id).await?, books.partition_of(next.order_id).await?);
    assert_eq!(books.partition_of(far.order_id).await?, "event_log_default");
    assert_eq!(books.logged().await?.len(), 3);
    // Again: there is nothing left to do.
    assert_eq!(books.undisturbed(&books.janitor(), day(0)).await?, Turn::default());
    // In its time the third one is moved as well.
    assert_eq!(books.undisturbed(&books.janitor(), day(27)).await?.moved, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_of_another_length_stay_as_they_are() -> Result<()> {
    let books = Books::new("lengths").await;
    let weekly = Retention { partition_days: 7, ..RETENTION };
    assert_eq!(books.undisturbed(&books.janitor(), day(0)).await?.created, 3);
    let first = books.announce(day(0)).await?;
    let lies_in = books.partition_of(first.order_id).await?;
    books.janitor_with(weekly).prepare(day(0)).await?;
    books.janitor_with(Retention { partition_days: 1, ..RETENTION }).prepare(day(20)).await?;
    assert_eq!(books.partition_of(first.order_id).await?, lies_in);
    for number in (0..=14).chain(20..23) {
        let announced = books.announce(day(number) + TimeDelta::hours(7)).await?;
        assert_ne!(books.partition_of(announced.order_id).await?, "event_log_default", "day {number}");
    }
    // Two days from the first on are over; the second day of its partition is not, in a week of its own.
    books.all_sent_but(&[]).await?;
    books.undisturbed(&books.janitor_with(weekly), day(14) + TimeDelta::hours(12)).await?;
    assert!(books.has(first.order_id).await?, "its partition had not ended fourteen days before");
    books.undisturbed(&books.janitor_with(weekly), day(16) + TimeDelta::hours(12)).await?;
    assert!(!books.has(first.order_id).await?);
    Ok(())
}
