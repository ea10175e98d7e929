//! `sagactl seed` and `sagactl demo` on a pair that runs already, by the command itself.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use devstack::{Ports, Progress, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::process::Command;

/// Enough to be many, and quickly told.
const ORDERS: &str = "--orders=20";

fn sagactl(stack: &Stack, command: &str) -> Command {
    let mut sagactl = Command::new(env!("CARGO_BIN_EXE_sagactl"));
    sagactl.arg(command).kill_on_drop(true);
    sagactl.arg(format!("--orders-url={}/", stack.order_service.url()));
    sagactl.arg(format!("--deliveries-url={}", stack.delivery_service.url()));
    sagactl
}

async fn well(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().await?;
    let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    ensure!(status.success(), "{status}: {said}");
    Ok(said)
}

/// A command that looks at everything: all is told by the environment.
fn looking(stack: &Stack, command: &str, flags: &[&str]) -> Command {
    let mut looking = Command::new(env!("CARGO_BIN_EXE_sagactl"));
    looking
        .arg(command)
        .args(flags)
        .env("ORDERS_URL", stack.order_service.url())
        .env("DELIVERIES_URL", stack.delivery_service.url())
        .env("ORDERS_DATABASE_URL", stack.order_database_url())
        .env("DELIVERIES_DATABASE_URL", stack.delivery_database_url())
        .env("KAFKA_BOOTSTRAP_SERVERS", stack.kafka.bootstrap())
        .env("TOPIC_PREFIX", stack.topic_prefix())
        .kill_on_drop(true);
    looking
}

/// What is no terminal gets neither colours nor progress, and each command its exit status.
async fn everything_can_be_looked_at(stack: &Stack) -> Result<()> {
    let told = looking(stack, "verify", &["--topics", "--json"]).output().await?;
    ensure!(told.status.code() == Some(0) && told.stderr.is_empty(), "{told:?}");
    let report: Value = serde_json::from_slice(&told.stdout)?;
    ensure!(report["topics"]["records"].as_u64().is_some_and(|records| records > 40), "{report}");
    let told = well(&mut looking(stack, "verify", &["--topics"])).await?;
    ensure!(told.contains("I9") && !told.contains("not looked at") && !told.contains('\u{1b}'), "{told}");
    let missing = looking(stack, "verify", &["--topics"]).env("TOPIC_PREFIX", "nobodys-").output().await?;
    ensure!(missing.status.code() == Some(2), "{missing:?}");

    let told = well(&mut looking(stack, "preflight", &[])).await?;
    ensure!(told.contains("compaction") && !told.contains("REFUSED") && !told.contains('\u{1b}'), "{told}");
    let told = looking(stack, "preflight", &["--profile", "production", "--json"]).output().await?;
    ensure!(told.status.code() == Some(1), "{told:?}");
    let report: Value = serde_json::from_slice(&told.stdout)?;
    let checks = report["checks"].as_array().context("checks")?;
    ensure!(checks.iter().any(|check| check["severity"] == "refusal" && check["at"] == "Kafka"), "{report}");
    let unreachable = looking(stack, "preflight", &[]).env("ORDERS_URL", "http://127.0.0.1:1").output().await?;
    ensure!(unreachable.status.code() == Some(2), "{unreachable:?}");
    Ok(())
}

/// What the shop sells and has, and who delivers it.
async fn shown(stack: &Stack) -> Result<Vec<Value>> {
    let (orders, deliveries) = (stack.order_service.url(), stack.delivery_service.url());
    let mut answers = Vec::new();
    for address in [
        format!("{orders}/products?limit=100"),
        format!("{deliveries}/zones/harbour"),
        format!("{deliveries}/zones/island"),
        format!("{deliveries}/couriers/anna"),
    ] {
        answers.push(reqwest::get(address).await?.error_for_status()?.json().await?);
    }
    Ok(answers)
}

/// Fewer than the stories take: they have to see to it themselves.
async fn has_a_few_mugs(stack: &Stack) -> Result<()> {
    let (http, mug) = (reqwest::Client::new(), format!("{}/products/MUG", stack.order_service.url()));
    let terms = json!({"name": "Old mug", "price_minor": 1, "currency": "EUR", "weight_g": 1});
    http.put(&mug).json(&terms).send().await?.error_for_status()?;
    http.post(format!("{mug}/receipts")).json(&json!({"quantity": 5})).send().await?.error_for_status()?;
    Ok(())
}

/// As somebody does who tries things: another price, a shorter name, more places of which some are used, a smaller van.
async fn is_changed_by_its_owner(stack: &Stack) -> Result<()> {
    let (orders, deliveries) = (stack.order_service.url(), stack.delivery_service.url());
    let http = reqwest::Client::new();
    for (address, terms) in [
        (
            format!("{orders}/products/LAMP"),
            json!({"name": "Lamp", "price_minor": 3_333, "currency": "EUR", "weight_g": 900}),
        ),
        (
            format!("{deliveries}/zones/island"),
            json!({"country": "DE", "prefixes": ["25849"], "capacity_per_day": 2, "weight_limit_g": 20_000}),
        ),
        (format!("{deliveries}/couriers/anna"), json!({"name": "Anna B.", "capacity": 7})),
    ] {
        http.put(address).json(&terms).send().await?.error_for_status()?;
    }
    http.post(format!("{orders}/products/MUG/receipts"))
        .json(&json!({"quantity": 2}))
        .send()
        .await?
        .error_for_status()?;
    // Both places of one day: fewer cannot be had any more.
    let mut wish = json!({
        "customer_id": "owner", "currency": "EUR", "items": [{"sku": "MUG", "quantity": 1}],
        "delivery_address": {"recipient": "Ada Lovelace", "line1": "1 Main Street", "city": "Pellworm", "postal_code": "25849", "country": "DE"},
    });
    for place in ["first", "second"] {
        let placed = http.post(format!("{orders}/orders")).header("prefer", "wait=30").json(&wish).send().await?;
        let order: Value = placed.error_for_status()?.json().await?;
        ensure!(order["status"] == "confirmed", "the {place} place: {order}");
        wish["slot"] = order["delivery"]["slot"]["date"].clone();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stories_can_be_told_again_and_again_of_a_pair_that_runs() -> Result<()> {
    let options = StackOptions { ports: Ports::Free, ..StackOptions::default() };
    let stack = Stack::start(options, &Progress::hidden()).await?;

    has_a_few_mugs(&stack).await?;
    well(&mut sagactl(&stack, "seed")).await?;
    let seeded = shown(&stack).await?;
    ensure!(seeded[0]["items"].as_array().is_some_and(|items| items.len() == 3), "{seeded:?}");
    well(&mut sagactl(&stack, "seed")).await?;
    assert_eq!(shown(&stack).await?, seeded, "a second time changes nothing");

    for time in ["first", "second"] {
        let mut demo = sagactl(&stack, "demo");
        demo.arg(ORDERS)
            .env("ORDERS_DATABASE_URL", stack.order_database_url())
            .env("DELIVERIES_DATABASE_URL", stack.delivery_database_url());
        let told = well(&mut demo).await.with_context(|| format!("the {time} time"))?;
        ensure!(told.contains("every invariant holds"), "{told}");
    }
    let sold = shown(&stack).await?;
    well(&mut sagactl(&stack, "seed")).await?;
    assert_eq!(shown(&stack).await?, sold, "what was sold is not brought back");

    everything_can_be_looked_at(&stack).await?;
    is_changed_by_its_owner(&stack).await?;
    let changed = shown(&stack).await?;
    well(&mut sagactl(&stack, "seed")).await?;
    assert_eq!(shown(&stack).await?, changed, "what its owner changed stays");
    stack.stop().await
}

#[tokio::test]
async fn every_shell_is_told_what_can_be_completed() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = well(Command::new(env!("CARGO_BIN_EXE_sagactl")).args(["completions", shell])).await?;
        ensure!(script.contains("preflight") && script.contains("topic-prefix"), "{shell}: {script}");
    }
    Ok(())
}
