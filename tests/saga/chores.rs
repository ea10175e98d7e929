//! What a service's program does instead of serving: `--health`, `--migrate`, `--topics`.

use std::process::Output;

use anyhow::{Context, Result};
use chassis::messaging::topics;
use tests::{Env, Launch, PATIENCE, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What it said, and whether it ended well.
fn said(output: &Output) -> (bool, String) {
    let words = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

fn listen(service: &Service) -> String {
    format!("--listen={}", service.url().trim_start_matches("http://"))
}

/// Asks about the instance at this address. The database is nothing that the question needs, nor are further threads: a runtime that
/// makes some fails when it may not make a single one.
async fn health(env: &Env, listen: &str) -> (bool, String) {
    let asking = env.order_service().database("").variable("TOKIO_WORKER_THREADS", "0");
    said(&asking.arg(listen).arg("--health").to_its_end().await)
}

async fn partitions(env: &Env) -> Result<[usize; 2]> {
    let kafka = env.kafka("tests");
    tokio::task::spawn_blocking(move || topics::partition_counts(&kafka)).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_can_be_asked_for_its_health_by_its_own_program() -> Result<()> {
    let env = Env::new("health").await;
    let mut service = env.order_service().start().await;
    let listen = listen(&service);
    let (well, words) = health(&env, &listen).await;
    assert!(well && words.contains("is ready"), "{words}");
    // Who listens everywhere is asked here.
    let everywhere = listen.replace("127.0.0.1", "0.0.0.0");
    let (well, words) = health(&env, &everywhere).await;
    assert!(well, "{words}");
    service.terminate(PATIENCE).await?;
    let (well, words) = health(&env, &listen).await;
    assert!(!well && words.contains("nothing listens"), "{words}");
    Ok(())
}

/// Whatever else it answers is no health: here somebody says 503, and then somebody else hangs up.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_not_ready_is_not_healthy() -> Result<()> {
    let env = Env::new("healthnot").await;
    let instance = TcpListener::bind("127.0.0.1:0").await?;
    let listen = format!("--listen={}", instance.local_addr()?);
    for (answer, because) in
        [("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"relay\":\"down\"}", "\"relay\":\"down\""), ("", "not ready")]
    {
        let answering = async {
            let (mut caller, _) = instance.accept().await?;
            let mut asked = [0; 17];
            caller.read_exact(&mut asked).await?;
            assert_eq!(&asked, b"GET /health/ready");
            caller.write_all(answer.as_bytes()).await?;
            caller.shutdown().await
        };
        let ((well, words), answered) = tokio::join!(health(&env, &listen), answering);
        answered?;
        assert!(!well && words.contains(because), "{words}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_brought_up_to_date_and_a_second_time_changes_nothing() -> Result<()> {
    let env = Env::new("migrate").await;
    for url in [env.orders_database(), env.deliveries_database()] {
        let launch = || if url == env.orders_database() { env.order_service() } else { env.delivery_service() };
        for _ in 0..2 {
            let (well, words) = said(&launch().arg("--migrate").to_its_end().await);
            assert!(well && words.contains("up to date"), "{words}");
        }
        let pool = env.pool(url);
        let events: i64 = sqlx::query_scalar("select count(*) from event_log").fetch_one(&pool).await?;
        assert_eq!(events, 0);
    }
    let (well, words) = said(&env.order_service().database("").arg("--migrate").to_its_end().await);
    assert!(!well && words.contains("--database-url"), "{words}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_without_a_database_and_a_second_time_changes_nothing() -> Result<()> {
    let env = Env::new("maketopics").await;
    let make = |width| env.delivery_service().database("").partitions(width).arg("--topics").to_its_end();
    for width in [4, 7] {
        let (well, words) = said(&make(width).await);
        assert!(well && words.contains("4 partitions"), "{words}");
        assert_eq!(partitions(&env).await.context("the topics are there")?, [4, 4]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_at_a_time_and_serving_needs_a_database() -> Result<()> {
    let env = Env::new("onechore").await;
    let refused = async |launch: Launch<'_>, because: &str| {
        let (well, words) = said(&launch.to_its_end().await);
        assert!(!well && words.contains(because), "{words}");
    };
    refused(env.order_service().arg("--migrate").arg("--topics"), "cannot be used with").await;
    refused(env.order_service().arg("--health").arg("--migrate"), "cannot be used with").await;
    refused(env.order_service().database(""), "--database-url").await;
    Ok(())
}
