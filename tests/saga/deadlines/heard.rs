//! How far the other side is known to have come.

use anyhow::{Context, Result, ensure};
use chassis::{
    Tx,
    messaging::{self, Record},
};
use shared_events::{OrderId, Topic};
use sqlx::PgPool;
use tests::{Env, PATIENCE, TestInbox, envelope, eventually, eventually_is, fresh_order, golden, record};
use tokio_util::sync::CancellationToken;

use super::{Stage, minutes_from_now, order_sweeper};

async fn heard_until(pool: &PgPool) -> Result<Option<OrderId>> {
    let mut tx = Tx::from(pool.begin().await?);
    Ok(messaging::heard_until(&mut tx, Topic::Orders).await?)
}

/// The orders' first or second words, each on its partition.
fn records(env: &Env, words: &[(OrderId, i64, i32)]) -> Vec<Record> {
    let record = |(at, (order, version, partition)): (usize, &(OrderId, i64, i32))| {
        let event = if *version == 1 { "OrderCompleted.v1.least" } else { "OrderCancelled.v1" };
        let record = record(&env.topic(Topic::Orders), &envelope(*order, *version, golden(event)));
        // Nobody looks at the places of two batches at once.
        let offset = i64::try_from(at).expect("few") + 100 * i64::from(*partition);
        Record { partition: *partition, offset, ..record }
    };
    words.iter().enumerate().map(record).collect()
}

fn orders<const N: usize>() -> [OrderId; N] {
    let mut orders = [(); N].map(|()| fresh_order());
    orders.sort_unstable();
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn the_youngest_order_of_each_lane_is_written_down_and_the_lowest_of_them_counts() -> Result<()> {
    let env = Env::new("heard").await;
    let inbox = TestInbox::new(&env).await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(inbox.inbox.heard().keep(inbox.pool.clone(), Topic::Orders, stop.clone()));
    assert_eq!(heard_until(&inbox.pool).await?, None);
    let [behind, a, b, c, d, e, f] = orders();
    // Lane 0 has come to `c`, and `a` comes late, as after a retry; lane 1 has come to `b`.
    for word in [(c, 1, 0), (a, 1, 0), (b, 1, 1)] {
        inbox.apply(&records(&env, &[word])).await;
    }
    eventually_is("lane 1 is behind", PATIENCE, Some(b), async || heard_until(&inbox.pool).await).await;
    inbox.apply(&records(&env, &[(d, 1, 1), (e, 1, 2)])).await;
    eventually_is("lane 0 is behind", PATIENCE, Some(c), async || heard_until(&inbox.pool).await).await;

    // Another instance that has heard less takes nothing back.
    let (twin, at_once) = (inbox.twin(&env), CancellationToken::new());
    twin.apply(&records(&env, &[(behind, 1, 0)])).await;
    at_once.cancel();
    twin.inbox.heard().keep(inbox.pool.clone(), Topic::Orders, at_once).await;
    assert_eq!(heard_until(&inbox.pool).await?, Some(c));
    // What was not written before is written at the end.
    inbox.apply(&records(&env, &[(f, 1, 0)])).await;
    stop.cancel();
    keeping.await.context("the keeper died")?;
    assert_eq!(heard_until(&inbox.pool).await?, Some(d));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_or_a_repeat_or_no_first_word_is_not_heard() -> Result<()> {
    let env = Env::new("unheard").await;
    let inbox = TestInbox::new(&env).await;
    let [first, second, rejected] = orders();
    inbox.reactions.reject(rejected, 1);
    inbox.apply(&records(&env, &[(second, 1, 1), (first, 1, 0), (rejected, 1, 0)])).await;
    // About an order long since answered: that says nothing of the others in the queue.
    inbox.apply(&records(&env, &[(second, 2, 0), (second, 1, 0)])).await;
    let stop = CancellationToken::new();
    stop.cancel();
    inbox.inbox.heard().keep(inbox.pool.clone(), Topic::Orders, stop).await;
    assert_eq!(heard_until(&inbox.pool).await?, Some(first));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_service_that_catches_up_is_not_asked_about_what_is_further_back_in_its_queue() -> Result<()> {
    let mut stage = Stage::opens("catchesup").await;
    stage.pair.deliveries.kill().await?;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(stage.places().await);
    }
    // It comes back, and its first word, said now, is about the oldest of them.
    let oldest = OrderId(ids[0].parse()?);
    let word = envelope(oldest, 1, golden("DeliveryFailed.v1.creation"));
    stage.pair.env.produce(&[record(&stage.pair.env.topic(Topic::Deliveries), &word)]).await;
    stage.becomes(&ids[0], "cancelled").await;
    eventually("it is written down how far it has come", PATIENCE, async || {
        let rows: i64 = sqlx::query_scalar("select count(*) from heard").fetch_one(&stage.orders).await?;
        ensure!(rows == 1, "{rows} lanes");
        anyhow::Ok(())
    })
    .await;
    assert_eq!(order_sweeper(&stage.orders).step(minutes_from_now(11)).await?, 9);
    for id in &ids[1..] {
        let last = stage.history(id).await.pop();
        assert_eq!(last, Some(["deadline_extended", "completed", "peer_silent"].map(str::to_owned).into()));
    }
    Ok(())
}
