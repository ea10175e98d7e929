//! From a commit straight to the relay, and what becomes of that when something is in the way.

use anyhow::{Context, Result};
use chassis::{
    Tx,
    messaging::{HandOver, Names, Outgoing, Pauses, Relay, announce},
};
use shared_events::{OrderId, Topic, Version};
use sqlx::PgPool;
use tests::{COMMIT, Env, PATIENCE, Proxy, Traffic, eventually, fresh_order};

use super::{MANY_TURNS, Outbox, event, repeats_and_disorder, turn, until_all_are_sent, until_idle, versions};

/// Announces the first events of these orders in one transaction, and leaves it open.
async fn announcing(pool: &PgPool, to: &HandOver, orders: &[OrderId]) -> Result<Tx<'static>> {
    let mut tx = Tx::announcing_to(to, pool.begin().await?);
    announce(&mut tx, &orders.iter().map(|order| Outgoing::New(event(*order, 1))).collect::<Vec<_>>()).await?;
    Ok(tx)
}

/// Turns the relay, whatever comes of it, until this event has arrived.
async fn turn_until_it_arrives(relay: &mut Relay, outbox: &Outbox, order: OrderId) {
    let turning = async {
        loop {
            if let Err(error) = relay.step().await {
                eprintln!("a turn failed: {error:#}");
            }
        }
    };
    let arrives = eventually("the event arrives", PATIENCE, async || {
        outbox.lanes().await.contains_key(&order).then_some(()).context("not there yet")
    });
    tokio::select! { () = turning => {}, () = arrives => {} }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_event_goes_out_without_a_look_into_the_database_and_its_pointer_goes_when_there_is_one() -> Result<()>
{
    let outbox = Outbox::new("byhand", 1).await;
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let handed_over = HandOver::default();
    let through = outbox.env.pool(&proxy.url(outbox.env.orders_database()));
    let mut relay = outbox.relay_told_by(through, handed_over.clone());
    proxy.set(Traffic::IsRefused);

    let order = fresh_order();
    announcing(&outbox.pool, &handed_over, &[order]).await?.commit().await?;
    turn_until_it_arrives(&mut relay, &outbox, order).await;
    assert_eq!(outbox.unsent().await?, [(order, Version(1))]);

    proxy.set(Traffic::Flows);
    until_all_are_sent(&mut relay, &outbox, PATIENCE).await;
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await[&order].len(), 1, "an event whose pointer could not be deleted was sent again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_goes_out_once_and_what_finds_no_room_is_found_in_the_outbox() -> Result<()> {
    let outbox = Outbox::new("noroom", 3).await;
    let handed_over = HandOver::default();
    let mut relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    let mut all = Vec::new();
    for count in [700, 700, 700] {
        let orders: Vec<_> = (0..count).map(|_| fresh_order()).collect();
        announcing(&outbox.pool, &handed_over, &orders).await?.commit().await?;
        all.extend(orders);
    }
    until_idle(&mut relay).await;
    let lanes = outbox.lanes().await;
    assert_eq!((lanes.len(), repeats_and_disorder(&lanes)), (all.len(), (0, 0)));
    assert_eq!(outbox.unsent().await?, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_topic_is_held_back_sends_nothing_not_even_what_is_handed_over() -> Result<()> {
    let outbox = Outbox::new("heldback", 1).await;
    let (handed_over, pauses) = (HandOver::default(), Pauses::default());
    let relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    let mut relay = relay.heeding(pauses.clone());
    let names = Names { instance: "one".to_owned(), listens_to: Topic::Deliveries, announces_on: Topic::Orders };
    let begin = "insert into pauses (id, what, name, reason, owner, since, until)
                 values (gen_random_uuid(), 'topic', 'orders', 'to see', 'ada', now(), now() + interval '1 hour')";
    sqlx::query(begin).execute(&outbox.pool).await?;
    pauses.look(&outbox.pool, &names).await?;
    let order = fresh_order();
    announcing(&outbox.pool, &handed_over, &[order]).await?.commit().await?;
    until_idle(&mut relay).await;
    assert_eq!(outbox.unsent().await?, [(order, Version(1))]);
    assert!(outbox.lanes().await.is_empty(), "it has gone out");

    sqlx::query("update pauses set ended_at = now(), ended_by = 'ada'").execute(&outbox.pool).await?;
    pauses.look(&outbox.pool, &names).await?;
    until_all_are_sent(&mut relay, &outbox, PATIENCE).await;
    assert_eq!(outbox.lanes().await[&order].len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_handed_over_that_is_not_committed() -> Result<()> {
    let outbox = Outbox::new("taken back", 1).await;
    let handed_over = HandOver::default();
    let mut relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    let open = announcing(&outbox.pool, &handed_over, &[fresh_order()]).await?;
    turn(&mut relay, MANY_TURNS).await?;
    open.rollback().await?;
    drop(announcing(&outbox.pool, &handed_over, &[fresh_order()]).await?);
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let through = outbox.env.pool(&proxy.url(outbox.env.orders_database()));
    proxy.lose_questions(COMMIT, 1);
    let lost = announcing(&through, &handed_over, &[fresh_order()]).await?;
    lost.commit().await.err().context("the commit is lost")?;
    turn(&mut relay, MANY_TURNS).await?;
    assert_eq!(outbox.lanes().await.len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_without_an_answer_is_found_in_the_outbox() -> Result<()> {
    let outbox = Outbox::new("unanswered", 1).await;
    let handed_over = HandOver::default();
    let mut relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    let proxy = Proxy::before(outbox.env.orders_database()).await;
    let through = outbox.env.pool(&proxy.url(outbox.env.orders_database()));
    let order = fresh_order();
    proxy.lose_answers_to(COMMIT, 1);
    let unanswered = announcing(&through, &handed_over, &[order]).await?;
    unanswered.commit().await.err().context("the answer is lost")?;
    turn_until_it_arrives(&mut relay, &outbox, order).await;
    until_idle(&mut relay).await;
    assert_eq!(versions(&outbox.lanes().await[&order]), [1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_by_hand_is_not_sent_again_when_the_outbox_is_read_and_the_next_version_waits() -> Result<()>
{
    let env = Env::apart("inflightbyhand").await;
    env.create_topics(1).await;
    let pool = env.chassis_tables(env.orders_database()).await;
    let outbox = Outbox { env, pool };
    let handed_over = HandOver::default();
    let mut relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    outbox.announce(fresh_order(), 1).await?;
    until_idle(&mut relay).await;

    outbox.env.broker().await.pause()?;
    let order = fresh_order();
    announcing(&outbox.pool, &handed_over, &[order]).await?.commit().await?;
    turn(&mut relay, 1).await?;
    outbox.announce(order, 2).await?;
    handed_over.wake();
    assert_eq!(turn(&mut relay, MANY_TURNS).await?, 0, "nothing is acknowledged");

    outbox.env.broker().await.resume()?;
    until_all_are_sent(&mut relay, &outbox, PATIENCE).await;
    assert_eq!(versions(&outbox.lanes().await[&order]), [1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_later_version_overtakes_a_first_one_that_cannot_be_published() -> Result<()> {
    let outbox = Outbox::new("overtakes", 1).await;
    let handed_over = HandOver::default();
    let mut relay = outbox.relay_told_by(outbox.pool.clone(), handed_over.clone());
    let orders = [fresh_order(), fresh_order()];
    // The first version comes by hand, or the relay finds it; the second always comes from here.
    for (order, first_goes_to) in orders.into_iter().zip([handed_over.clone(), HandOver::default()]) {
        let mut too_large = event(order, 1);
        too_large.cause.id = "x".repeat(300_000);
        for (to, event) in [(&first_goes_to, too_large), (&handed_over, event(order, 2))] {
            let mut tx = Tx::announcing_to(to, outbox.pool.begin().await?);
            announce(&mut tx, &[Outgoing::New(event)]).await?;
            tx.commit().await?;
        }
    }
    until_idle(&mut relay).await;
    assert_eq!(outbox.lanes().await.len(), 0);
    let unsent = orders.map(|order| [(order, Version(1)), (order, Version(2))]);
    assert_eq!(outbox.unsent().await?, unsent.concat());
    Ok(())
}
