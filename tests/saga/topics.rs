//! The two topics: made on demand, and of equal width.

use anyhow::{Context, Result};
use chassis::messaging::topics;
use shared_events::Topic;
use tests::{Env, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_there_already_are_left_as_they_are() -> Result<()> {
    let env = Env::new("topicstwice").await;
    env.create_topics(2).await;
    topics::create(&env.kafka("tests"), 5, 1).await?;
    let kafka = env.kafka("tests");
    let counts = tokio::task::spawn_blocking(move || topics::partition_counts(&kafka)).await??;
    assert_eq!(counts, [2, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_named_with_what_to_do_about_it() -> Result<()> {
    let env = Env::new("topicmissing").await;
    let kafka = env.kafka("tests");
    let counted = tokio::task::spawn_blocking(move || topics::partition_counts(&kafka)).await?;
    let error = format!("{:#}", counted.err().context("there is no topic")?);
    assert!(error.contains(&env.topic(Topic::Orders)) && error.contains("--create-topics"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_topics_differ_in_width_ends_and_says_so() -> Result<()> {
    let env = Env::new("unequal").await;
    let (orders, deliveries) = (env.topic(Topic::Orders), env.topic(Topic::Deliveries));
    env.make_topics(&[(&orders, 3), (&deliveries, 4)]).await;
    let mut service = env.order_service().spawn().await;
    let error = service.wait_ready(PATIENCE).await.err().context("it must not become ready")?;
    let error = format!("{error:#}");
    assert!(error.contains("`orders` has 3 partitions and `deliveries` 4"), "{error}");
    Ok(())
}
