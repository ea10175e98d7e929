//! The harness itself, as far as the other tests lean on it without noticing.

use std::{io::ErrorKind, time::Duration};

use anyhow::Result;
use shared_events::Topic;
use sqlx::PgPool;
use tests::{COMMIT, Env, PATIENCE, Proxy, TestInbox, Traffic, envelope, eventually_is, fresh_order, golden, record};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_to_a_topic_is_read_back_byte_for_byte() {
    let env = Env::new("bytes").await;
    env.create_topics(3).await;
    let order = fresh_order();
    let topic = env.topic(Topic::Orders);
    let mut odd = record(&topic, &envelope(order, 2, golden("OrderCancelled.v1")));
    odd.headers.push(("twice".to_owned(), Some(vec![0, 255].into())));
    odd.headers.push(("twice".to_owned(), None));
    odd.payload = None;
    let sent = [record(&topic, &envelope(order, 1, golden("OrderCompleted.v1"))), odd];

    env.produce(&sent).await;

    let read = env.read(Topic::Orders).await;
    let bytes = |records: &[chassis::messaging::Record]| {
        let parts = records.iter().map(|one| (one.key.clone(), one.headers.clone(), one.payload.clone()));
        parts.collect::<Vec<_>>()
    };
    assert_eq!(bytes(&read), bytes(&sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_loses_the_answer_to_a_commit_that_was_carried_out() -> Result<()> {
    let (_env, direct, proxy, through) = numbers("lostanswer").await?;
    proxy.lose_answers_to(COMMIT, 1);
    insert(&through, 1).await.expect_err("the answer is lost");
    assert_eq!(proxy.sprung(), 1);
    eventually_is("the row is there", PATIENCE, 1, async || count(&direct).await).await;
    insert(&through, 2).await?;
    assert_eq!(count(&direct).await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_loses_a_commit_before_it_arrives() -> Result<()> {
    let (_env, direct, proxy, through) = numbers("lostquestion").await?;
    proxy.lose_questions(COMMIT, 2);
    insert(&through, 1).await.expect_err("the commit is lost");
    insert(&through, 2).await.expect_err("the commit is lost");
    insert(&through, 3).await?;
    assert_eq!((proxy.sprung(), count(&direct).await?), (2, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_refuses_and_cuts_and_lets_pass_again() -> Result<()> {
    let (_env, _, proxy, through) = numbers("refuses").await?;
    proxy.set(Traffic::IsRefused);
    proxy.cut();
    count(&through).await.expect_err("there is no way through");
    proxy.set(Traffic::Flows);
    eventually_is("the way is free again", PATIENCE, 0, async || count(&through).await).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_cuts_is_reset_and_so_is_what_it_refuses() -> Result<()> {
    let (_, proxy, mut client, _server) = line().await?;
    proxy.cut();
    assert_eq!(client.read_u8().await.expect_err("it is cut").kind(), ErrorKind::ConnectionReset);
    proxy.set(Traffic::IsRefused);
    let asked = async { TcpStream::connect(proxy.address()).await?.read_u8().await }.await;
    assert_eq!(asked.expect_err("it is refused").kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.harmed(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_breaks_off_what_either_side_says_and_leaves_the_other_alone() -> Result<()> {
    for (traffic, by_client) in [(Traffic::QuestionsBreakOff(3), true), (Traffic::AnswersBreakOff(3), false)] {
        let (_, proxy, mut client, mut server) = line().await?;
        proxy.set(traffic);
        let (broken, whole) = if by_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        whole.write_all(&[7; 100]).await?;
        broken.read_exact(&mut [0; 100]).await?;
        broken.write_all(&[7; 4]).await?;
        let kind = async |end: &mut TcpStream| end.read_to_end(&mut Vec::new()).await.map_err(|error| error.kind());
        assert_eq!(kind(whole).await, Err(ErrorKind::ConnectionReset), "{traffic:?}");
        assert_eq!(kind(broken).await, Err(ErrorKind::ConnectionReset), "{traffic:?}");
        assert_eq!(proxy.harmed(), 1, "{traffic:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_counts_what_it_swallows_and_what_it_delays() -> Result<()> {
    let (_, proxy, mut client, mut server) = line().await?;
    proxy.set(Traffic::Vanishes);
    client.write_all(&[1]).await?;
    eventually_is("it is swallowed", PATIENCE, 1, async || Ok(proxy.harmed())).await;
    proxy.set(Traffic::Dawdles(Duration::from_millis(1)));
    client.write_all(&[2]).await?;
    assert_eq!((server.read_u8().await?, proxy.harmed()), (2, 2));
    proxy.set(Traffic::Flows);
    client.write_all(&[3]).await?;
    assert_eq!((server.read_u8().await?, proxy.harmed()), (3, 2));
    Ok(())
}

/// A server, a proxy before it, and both ends of a connection through the proxy.
async fn line() -> Result<(TcpListener, Proxy, TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let proxy = Proxy::to(&listener.local_addr()?.to_string()).await;
    let client = TcpStream::connect(proxy.address()).await?;
    let (server, _) = listener.accept().await?;
    Ok((listener, proxy, client, server))
}

/// A table of numbers, with a direct way to it and one through a proxy.
async fn numbers(name: &str) -> Result<(Env, PgPool, Proxy, PgPool)> {
    let env = Env::new(name).await;
    let direct = env.pool(env.orders_database());
    sqlx::query("create table numbers (number integer)").execute(&direct).await?;
    let proxy = Proxy::before(env.orders_database()).await;
    let through = env.pool(&proxy.url(env.orders_database()));
    Ok((env, direct, proxy, through))
}

async fn insert(pool: &PgPool, number: i32) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into numbers values ($1)").bind(number).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

async fn count(pool: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from numbers").fetch_one(pool).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_inbox_applies_what_is_on_its_topic() {
    let env = Env::new("inbox").await;
    env.create_topics(2).await;
    let inbox = TestInbox::new(&env).await;
    let consuming = inbox.consume(&env, "one");
    let topic = env.topic(Topic::Orders);
    let orders: Vec<_> = (0..10).map(|_| fresh_order()).collect();
    let events = orders.iter().map(|order| record(&topic, &envelope(*order, 1, golden("OrderCompleted.v1"))));
    env.produce(&events.collect::<Vec<_>>()).await;
    eventually_is("ten events are applied", PATIENCE, 10, async || inbox.applied().await).await;
    consuming.stop().await.expect("it stops in good order");
}
