//! The topics: how wide, how many copies, kept for how long, and never compacted.

use chassis::{messaging::kafka, preflight::Profile};
use rdkafka::{
    admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier},
    client::DefaultClientContext,
};
use sagactl::preflight::Terms;
use shared_events::Topic;
use tests::{Env, PATIENCE, Pair, eventually_is};

use super::{TERMS, ends_with, looked, refused};

fn admin(env: &Env) -> AdminClient<DefaultClientContext> {
    kafka::admin(&env.kafka("tests")).create().expect("a client")
}

async fn set(env: &Env, topic: Topic, setting: &str, value: &str) {
    let name = env.topic(topic);
    let altered = AlterConfig::new(ResourceSpecifier::Topic(&name)).set(setting, value);
    let outcome = admin(env).alter_configs([&altered], &AdminOptions::new()).await.expect("Kafka answers");
    assert!(outcome.iter().all(Result::is_ok), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_setting_of_a_topic_that_would_lose_events_is_named() {
    let env = Env::new("topicsettings").await;
    crate::settings::migrated_pair(&env).await;
    env.create_topics(2).await;
    let whole = looked(&env, TERMS).await;
    assert!(!whole.is_refused() && whole.is_whole(), "{whole}");
    for (topic, setting, value, name) in [
        (Topic::Orders, "cleanup.policy", "compact", "compaction"),
        (Topic::Deliveries, "cleanup.policy", "compact,delete", "compaction"),
        (Topic::Deliveries, "retention.ms", "3599999", "retention"),
    ] {
        // What is not said is set back.
        set(&env, topic, setting, value).await;
        let name = format!("{}: {name}", env.topic(topic));
        eventually_is(&format!("{setting}={value} is named"), PATIENCE, vec![name], async || {
            Ok(refused(&looked(&env, TERMS).await))
        })
        .await;
        set(&env, topic, "cleanup.policy", "delete").await;
    }
    eventually_is("everything is as it should be", PATIENCE, Vec::<String>::new(), async || {
        Ok(refused(&looked(&env, TERMS).await))
    })
    .await;
    let production = refused(&looked(&env, Terms { profile: Profile::Production, ..TERMS }).await);
    let names = [Topic::Orders, Topic::Deliveries].map(|topic| env.topic(topic));
    let expected = names.iter().flat_map(|name| [format!("{name}: replicas"), format!("{name}: in-sync replicas")]);
    assert_eq!(production, expected.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_topic_is_compacted_does_not_begin_unless_told_to() {
    let env = Env::new("topiccompacted").await;
    env.create_topics(3).await;
    set(&env, Topic::Orders, "cleanup.policy", "compact").await;
    let said = ends_with(env.delivery_service()).await;
    assert!(said.contains("compaction: found cleanup.policy=compact"), "{said}");
    assert!(said.contains("--despite-preflight"), "{said}");
    env.delivery_service().arg("--despite-preflight").start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_for_production_asks_for_copies() {
    let env = Env::new("topicproduction").await;
    let said = ends_with(env.order_service().arg("--profile=production")).await;
    let name = env.topic(Topic::Deliveries);
    assert!(said.contains(&format!("{name}: replicas: found 1")), "{said}");
    assert!(said.contains("min.insync.replicas=1 for the profile production"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_were_widened_are_noticed_until_somebody_says_that_it_is_meant() {
    let Pair { mut orders, deliveries, env } = Pair::start(Env::new("topicwidened").await).await;
    drop(deliveries);
    orders.terminate(PATIENCE).await.expect("order-service stops");
    let names = [Topic::Orders, Topic::Deliveries].map(|topic| env.topic(topic));
    let wider: Vec<NewPartitions<'_>> = names.iter().map(|name| NewPartitions::new(name, 4)).collect();
    let widened = admin(&env).create_partitions(&wider, &AdminOptions::new()).await.expect("Kafka answers");
    assert!(widened.iter().all(Result::is_ok), "{widened:?}");
    let as_ever = names.clone().map(|name| format!("{name}: partitions as ever"));
    let twice = [as_ever.clone(), as_ever.clone()].concat();
    eventually_is("the wider topics are named", PATIENCE, twice, async || Ok(refused(&looked(&env, TERMS).await)))
        .await;

    let said = ends_with(env.order_service()).await;
    assert!(said.contains(&format!("{}: found there are 4, there were 3", as_ever[0])), "{said}");
    let mut despite = env.order_service().arg("--despite-preflight").start().await;
    despite.terminate(PATIENCE).await.expect("order-service stops");
    env.order_service().start().await;
    assert_eq!(refused(&looked(&env, TERMS).await), as_ever, "the other service was told nothing");
}
