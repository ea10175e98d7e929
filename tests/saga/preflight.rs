//! What has to be right before events travel: each check is provoked, and a service that would go wrong does not begin.

mod database;
mod topics;

use anyhow::Context;
use chassis::preflight::{Profile, Severity};
use chrono::TimeDelta;
use sagactl::preflight::{Places, Report, Terms, look};
use tests::{Env, Launch, PATIENCE, Pair};

const TERMS: Terms = Terms { profile: Profile::Development, longest_wait: TimeDelta::hours(1) };

/// What `sagactl preflight` says of these.
fn refused(report: &Report) -> Vec<String> {
    let refused = report.checks.iter().filter(|looked| looked.check.severity == Severity::Refusal);
    refused.map(|looked| looked.check.name.clone()).collect()
}

/// The environment as it stands, without the services.
async fn looked(env: &Env, terms: Terms) -> Report {
    let databases = [Some(env.orders_database().to_owned()), Some(env.deliveries_database().to_owned())];
    look(&Places { databases, kafka: Some(env.kafka("preflight")), ..Places::default() }, terms).await
}

/// Why a service does not begin.
async fn ends_with(launch: Launch<'_>) -> String {
    let mut service = launch.spawn().await;
    let error = service.wait_ready(PATIENCE).await.err().context("it must not become ready");
    format!("{:#}", error.expect("it ends"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_is_set_as_it_should_be_passes() {
    let pair = Pair::start(Env::new("preflight").await).await;
    let env = &pair.env;
    let places = Places {
        urls: [Some(pair.orders.url()), Some(format!("{}/", pair.deliveries.url()))],
        databases: [Some(env.orders_database().to_owned()), Some(env.deliveries_database().to_owned())],
        kafka: Some(env.kafka("preflight")),
    };
    let report = look(&places, TERMS).await;
    assert!(!report.is_refused() && report.is_whole(), "{report}");
    assert!(report.checks.iter().all(|looked| looked.check.severity == Severity::Fine), "{report}");
    assert_eq!(report.left_out.len(), 1, "Kafka's clock and nothing else: {report}");
    let looked_at = |name: &str| report.checks.iter().filter(|looked| looked.check.name.ends_with(name)).count();
    let counts = ["acks", "partitions as ever", "compaction", "rights", "PostgreSQL", "order-service"].map(looked_at);
    assert_eq!(counts, [1, 4, 2, 2, 2, 1], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_and_what_does_not_answer_is_no_refusal() {
    let nothing = look(&Places::default(), TERMS).await;
    assert!(!nothing.is_refused() && nothing.is_whole(), "{nothing}");
    let said = nothing.to_string();
    for flag in ["--kafka", "--orders-database", "--deliveries-database", "--orders-url", "--deliveries-url"] {
        assert!(said.contains(&format!("{flag} is missing")), "{said}");
    }
    let nowhere = Places {
        urls: [Some("http://127.0.0.1:1".to_owned()), None],
        databases: [Some("postgres://nobody@127.0.0.1:1/nothing".to_owned()), None],
        kafka: None,
    };
    let report = look(&nowhere, TERMS).await;
    assert!(!report.is_refused() && !report.is_whole() && report.failed.len() == 2, "{report}");
}
