use chrono::{DateTime, TimeDelta, Utc};
use rdkafka::ClientConfig;
use shared_events::Topic;

use super::*;

fn settings() -> KafkaSettings {
    KafkaSettings { bootstrap_servers: "nowhere:9092".to_owned(), prefix: String::new(), instance_id: "one".to_owned() }
}

fn shape() -> Shape {
    Shape { topic: Topic::Orders, name: "orders".to_owned(), partitions: 6, replicas: 3 }
}

fn refused(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|check| check.severity == Severity::Refusal).map(|check| check.name.as_str()).collect()
}

/// The names of what refuses when these settings are made otherwise.
fn edited(of_producer: &[(&str, &str)], of_consumer: &[(&str, &str)]) -> Vec<String> {
    let (mut producer, mut consumer) = (kafka::producer(&settings()), kafka::consumer(&settings(), "group"));
    let edit = |config: &mut ClientConfig, edits: &[(&str, &str)]| {
        for (name, value) in edits {
            config.set(*name, *value);
        }
    };
    edit(&mut producer, of_producer);
    edit(&mut consumer, of_consumer);
    refused(&clients(&producer, &consumer)).into_iter().map(str::to_owned).collect()
}

#[test]
fn our_own_clients_are_as_they_should_be() {
    assert_eq!(edited(&[], &[]), Vec::<String>::new());
}

#[test]
fn each_edit_of_a_client_is_named() {
    assert_eq!(edited(&[("acks", "1")], &[]), ["producer: acks"]);
    assert_eq!(edited(&[("enable.idempotence", "false")], &[]), ["producer: idempotence"]);
    assert_eq!(edited(&[("partitioner", "consistent_random")], &[]), ["producer: partitioner"]);
    assert_eq!(edited(&[], &[("enable.auto.offset.store", "true")]), ["consumer: auto-commit"]);
    assert_eq!(edited(&[], &[("auto.offset.reset", "latest")]), ["consumer: offset reset"]);
    assert_eq!(edited(&[], &[("isolation.level", "read_uncommitted")]), ["consumer: isolation"]);
}

/// A line that is taken out is as bad as one that says something else: what counts is what librdkafka makes of it.
#[test]
fn a_line_that_is_missing_is_named() {
    let mut producer = kafka::producer(&settings());
    producer.remove("partitioner").remove("enable.idempotence");
    let mut consumer = kafka::consumer(&settings(), "group");
    consumer.remove("enable.auto.offset.store").remove("auto.offset.reset");
    let checks = clients(&producer, &consumer);
    assert_eq!(
        refused(&checks),
        ["producer: idempotence", "producer: partitioner", "consumer: auto-commit", "consumer: offset reset"]
    );
}

#[test]
fn a_topic_has_to_keep_what_is_waited_for() {
    let hour = TimeDelta::hours(1);
    let severity = |value: &str| lanes::retention(&shape(), value, hour).severity;
    assert_eq!(severity("3600000"), Severity::Fine);
    assert_eq!(severity("-1"), Severity::Fine);
    assert_eq!(severity("3599999"), Severity::Refusal);
    assert_eq!(severity(""), Severity::Refusal);
    assert_eq!(lanes::size(&shape(), "-1").severity, Severity::Fine);
    assert_eq!(lanes::size(&shape(), "1000000").severity, Severity::Warning);
}

#[test]
fn a_topic_is_never_compacted() {
    for policy in ["compact", "compact,delete", "delete,compact", ""] {
        assert_eq!(lanes::cleanup(&shape(), policy).severity, Severity::Refusal, "{policy}");
    }
    assert_eq!(lanes::cleanup(&shape(), "delete").severity, Severity::Fine);
}

#[test]
fn production_asks_for_more_copies_than_development() {
    let severity = |value: &str, profile| lanes::in_sync(&shape(), value, profile).severity;
    assert_eq!(severity("1", Profile::Development), Severity::Fine);
    assert_eq!(severity("1", Profile::Production), Severity::Refusal);
    assert_eq!(severity("2", Profile::Production), Severity::Fine);
    let replicas = |replicas, profile| lanes::replicas(&Shape { replicas, ..shape() }, profile).severity;
    assert_eq!(replicas(1, Profile::Development), Severity::Fine);
    assert_eq!(replicas(2, Profile::Production), Severity::Refusal);
    assert_eq!(replicas(3, Profile::Production), Severity::Fine);
}

#[test]
fn a_clock_is_judged_by_the_least_that_it_can_differ() {
    let at = |ms: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(ms);
    let severity = |there: i64| clock_skew("theirs", at(10_000), at(there), at(11_000)).severity;
    assert_eq!(severity(10_500), Severity::Fine);
    assert_eq!(severity(8_000), Severity::Fine);
    assert_eq!(severity(13_000), Severity::Fine);
    assert_eq!(severity(7_999), Severity::Refusal);
    assert_eq!(severity(13_001), Severity::Refusal);
    let said = |there: i64| clock_skew("theirs", at(10_000), at(there), at(11_000)).found;
    assert_eq!([said(10_500), said(7_000), said(15_000)], ["the same time", "3000 ms behind", "4000 ms ahead"]);
}

#[test]
fn every_refusal_is_a_sentence_and_can_be_gone_on_despite() {
    let checks = [lanes::cleanup(&shape(), "compact"), lanes::retention(&shape(), "1", TimeDelta::hours(1))];
    let said = judge(&checks, false).map_err(|error| error.to_string()).unwrap_err();
    assert!(said.contains("orders: compaction: found cleanup.policy=compact"), "{said}");
    assert!(said.contains("orders: retention: found retention.ms=1") && said.contains("--despite-preflight"), "{said}");
    assert!(judge(&checks, true).is_ok());
    assert!(judge(&[lanes::size(&shape(), "1")], false).is_ok(), "a warning is no refusal");
}
