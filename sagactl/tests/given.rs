//! `sagactl seed`, `demo`, `stuck` and `journey` on a pair that runs already, by the command itself.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use devstack::{ALL_SCOPES, Ports, Progress, Stack, StackOptions};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use tokio::process::Command;

/// Enough to be many, and quickly told.
const ORDERS: &str = "--orders=20";

fn sagactl(stack: &Stack, command: &str) -> Result<Command> {
    let mut sagactl = Command::new(env!("CARGO_BIN_EXE_sagactl"));
    sagactl.arg(command).kill_on_drop(true);
    sagactl.env("SAGACTL_TOKEN", stack.token("operator", ALL_SCOPES)?);
    sagactl.arg(format!("--orders-url={}/", stack.order_service.url()));
    sagactl.arg(format!("--deliveries-url={}", stack.delivery_service.url()));
    Ok(sagactl)
}

/// The owner of the shop, who may do anything.
fn owner(stack: &Stack) -> Result<Client> {
    let bearer = format!("Bearer {}", stack.token("owner", ALL_SCOPES)?).parse()?;
    Ok(Client::builder().default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)])).build()?)
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
        answers.push(owner(stack)?.get(address).send().await?.error_for_status()?.json().await?);
    }
    Ok(answers)
}

/// Fewer than the stories take: they have to see to it themselves.
async fn has_a_few_mugs(stack: &Stack) -> Result<()> {
    let (http, mug) = (owner(stack)?, format!("{}/products/MUG", stack.order_service.url()));
    let terms = json!({"name": "Old mug", "price_minor": 1, "currency": "EUR", "weight_g": 1});
    http.put(&mug).json(&terms).send().await?.error_for_status()?;
    http.post(format!("{mug}/receipts")).json(&json!({"quantity": 5})).send().await?.error_for_status()?;
    Ok(())
}

/// As somebody does who tries things: another price, a shorter name, more places of which some are used, a smaller van.
async fn is_changed_by_its_owner(stack: &Stack) -> Result<()> {
    let (orders, deliveries) = (stack.order_service.url(), stack.delivery_service.url());
    let http = owner(stack)?;
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

/// How it ended, what it said, and what it complained of.
async fn looked(command: &mut Command) -> Result<(Option<i32>, String, String)> {
    let Output { status, stdout, stderr } = command.output().await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

/// `journey` and `stuck` after the stories: some orders wait for people, and nothing is wrong.
async fn an_order_is_followed(stack: &Stack) -> Result<()> {
    let (status, said, _) = looked(&mut sagactl(stack, "stuck")?).await?;
    ensure!(status == Some(0) && said.contains("deadline_not_reached"), "{status:?}: {said}");
    let (status, said, _) = looked(sagactl(stack, "stuck")?.arg("--json")).await?;
    let report: Value = serde_json::from_str(&said)?;
    let row = &report["rows"][0];
    ensure!(status == Some(0) && row["cause"] == "deadline_not_reached" && row["overdue"] == false, "{report}");

    let order = row["order_id"].as_str().context("an order")?;
    let (status, said, _) = looked(sagactl(stack, "journey")?.arg(order)).await?;
    ensure!(status == Some(0), "{status:?}: {said}");
    for told in ["placed", "announces OrderCompleted", "DeliveryCreated", "waits for dispatch"] {
        ensure!(said.contains(told), "{told}: {said}");
    }
    let (status, said, _) = looked(sagactl(stack, "journey")?.arg(order).arg("--json")).await?;
    let merged: Value = serde_json::from_str(&said)?;
    let first = [&merged["timeline"][0]["what"], &merged["timeline"][0]["side"]];
    ensure!(status == Some(0) && first == [&json!("placed"), &json!("order-service")], "{merged}");

    let (status, said, _) = looked(sagactl(stack, "journey")?.arg(STRANGER)).await?;
    ensure!(status == Some(1) && said.contains("order-service knows nothing of this order"), "{status:?}: {said}");
    only_one_side(stack, order).await
}

/// An id that no order has.
const STRANGER: &str = "019abcde-0000-7000-8000-000000000000";

/// With one address it is said which is missing, and what the other knows is shown.
async fn only_one_side(stack: &Stack, order: &str) -> Result<()> {
    let address = format!("--orders-url={}", stack.order_service.url());
    for arguments in [vec!["stuck"], vec!["journey", order]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sagactl"));
        command.env("SAGACTL_TOKEN", stack.token("operator", ALL_SCOPES)?);
        let (status, said, _) = looked(command.args(&arguments).arg(&address)).await?;
        ensure!(status == Some(2), "{arguments:?}: {status:?}: {said}");
        ensure!(said.contains(order) || arguments[0] == "journey", "{said}");
        ensure!(said.contains("delivery-service's address is not given (--deliveries-url)"), "{said}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagactl"));
    let (status, _, complaint) = looked(command.arg("stuck")).await?;
    ensure!(status == Some(2) && complaint.contains("--orders-url"), "{status:?}: {complaint}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stories_can_be_told_again_and_again_of_a_pair_that_runs() -> Result<()> {
    let options = StackOptions { ports: Ports::Free, ..StackOptions::default() };
    let stack = Stack::start(options, &Progress::hidden()).await?;

    has_a_few_mugs(&stack).await?;
    well(&mut sagactl(&stack, "seed")?).await?;
    let seeded = shown(&stack).await?;
    ensure!(seeded[0]["items"].as_array().is_some_and(|items| items.len() == 3), "{seeded:?}");
    well(&mut sagactl(&stack, "seed")?).await?;
    assert_eq!(shown(&stack).await?, seeded, "a second time changes nothing");

    for time in ["first", "second"] {
        let mut demo = sagactl(&stack, "demo")?;
        demo.arg(ORDERS)
            .env("ORDERS_DATABASE_URL", stack.order_database_url())
            .env("DELIVERIES_DATABASE_URL", stack.delivery_database_url());
        let told = well(&mut demo).await.with_context(|| format!("the {time} time"))?;
        ensure!(told.contains("every invariant holds"), "{told}");
    }
    let sold = shown(&stack).await?;
    well(&mut sagactl(&stack, "seed")?).await?;
    assert_eq!(shown(&stack).await?, sold, "what was sold is not brought back");

    an_order_is_followed(&stack).await?;
    everything_can_be_looked_at(&stack).await?;
    is_changed_by_its_owner(&stack).await?;
    let changed = shown(&stack).await?;
    well(&mut sagactl(&stack, "seed")?).await?;
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
