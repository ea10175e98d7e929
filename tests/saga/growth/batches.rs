//! What goes row by row goes in bounded batches.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn one_turn_removes_so_much_and_says_that_there_is_more() -> Result<()> {
    let books = Books::new("bounded").await;
    sqlx::query(
        "insert into idempotency_keys (route, key, fingerprint, status, body, answered_at)
         select '/orders', n::text, '', 201, '', $1 + n * interval '1 microsecond' from generate_series(1, 20500) as n",
    )
    .bind(day(0))
    .execute(&books.pool)
    .await?;
    let janitor = books.janitor();
    let first = janitor.step(day(2)).await?;
    assert_eq!((first.idempotency_keys, first.more), (20_000, true));
    // The oldest go first.
    assert_eq!(books.number("select min(key::bigint) from idempotency_keys").await?, 20_001);
    let second = janitor.step(day(2)).await?;
    assert_eq!((second.idempotency_keys, second.more), (500, false));
    assert_eq!(janitor.step(day(2)).await?.idempotency_keys, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_partition_goes_row_by_row_under_the_same_conditions() -> Result<()> {
    let books = Books::new("rowbyrow").await;
    // Orders of long ago, for which there is no partition any more: they come into the default one.
    let mut orders = Vec::new();
    for n in 0..40 {
        let order = order_placed(day(0) + TimeDelta::minutes(n));
        books.announce_all([&event(order, 1, day(99)), &event(order, 2, day(99))]).await?;
        orders.push(order);
    }
    books.janitor().prepare(day(100)).await?;
    books.all_sent_but(&[orders[3]]).await?;
    books.open.set().insert(orders[20]);
    let turn = books.undisturbed(&books.janitor(), day(100)).await?;
    assert_eq!((turn.events, turn.dropped, turn.moved), (2 * 19, 0, 0), "{turn:?}");
    for (n, order) in orders.iter().enumerate() {
        assert_eq!(books.has(*order).await?, n == 3 || n >= 20, "order {n}");
    }
    books.open.set().clear();
    books.all_sent_but(&[]).await?;
    assert_eq!(books.undisturbed(&books.janitor(), day(100)).await?.events, 2 * 21);
    assert_eq!(books.logged().await?.len(), 0);
    Ok(())
}
