//! `sagactl republish` and `sagactl actions`

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::desk::Desk;

/// How many copies of the order's first event lie on its topic.
async fn copies(desk: &Desk, order: &str) -> Result<usize> {
    let journey = desk.run(&["journey", order, "--topics", "--json"]).await?.well()?;
    let [journey] = &journey.documents()?[..] else { bail!("{journey:?}") };
    let lines = journey["timeline"].as_array().context("a timeline")?;
    let first = lines.iter().find(|line| line["what"] == "announces OrderCompleted").context("it was announced")?;
    Ok(first["places"].as_array().context("places")?.len())
}

pub async fn events_are_announced_again(desk: &Desk) -> Result<()> {
    let order = desk.places("Barbara Liskov").await?;
    desk.becomes(&order, "confirmed").await?;
    ensure!(copies(desk, &order).await? == 1);

    let republish = ["republish", "--at", "orders", "--reason", "to be sure"];
    let told = desk.run(&[&republish[..], &["--order", &order]].concat()).await?.well()?;
    told.says(&[&format!("Announced again: versions [1] of order {order}.")])?;
    desk.all_is_sent().await?;
    ensure!(copies(desk, &order).await? == 2);
    let told = desk.run(&[&republish[..], &["--order", &order, "--version", "1", "--json"]].concat()).await?.well()?;
    ensure!(told.answer("order-service")? == json!({"order_id": order, "versions": [1]}), "{told:?}");
    desk.all_is_sent().await?;
    ensure!(copies(desk, &order).await? == 3);
    let none = desk.run(&[&republish[..], &["--order", &order, "--version", "7"]].concat()).await?;
    none.complains(2, "order-service answers 404: ")?;

    let period = [&republish[..], &["--since", "2020-01-01T00:00:00Z"]].concat();
    let told = desk.run(&[&period[..], &["--json"]].concat()).await?.well()?;
    let all = told.answer("order-service")?;
    ensure!(all["announced"].as_u64().is_some_and(|count| count >= 2) && all["ended_at"].is_string(), "{all}");
    let told = desk.run(&[&period[..], &["--until", "2020-01-02T00:00:00Z"]].concat()).await?.well()?;
    told.says(&["Announced again: 0 events."])?;
    desk.all_is_sent().await?;
    ensure!(copies(desk, &order).await? == 4 && desk.status(&order).await? == "confirmed", "a repeat changes nothing");
    Ok(())
}

fn did(actions: &Value, action: &str, reason: &str) -> bool {
    let mut actions = actions.as_array().into_iter().flatten();
    actions.any(|one| one["who"] == "olga" && one["action"] == action && one["reason"] == reason)
}

/// Every act of the parts before this one stands there, with who and why; what was refused does not.
pub async fn who_did_what(desk: &Desk) -> Result<()> {
    let told = desk.run(&["actions"]).await?.well()?;
    told.says(&["order-service: what operators did", "delivery-service: what operators did", "WHO", "olga"])?;
    let told = desk.run(&["actions", "--json"]).await?.well()?;
    let [orders, deliveries] = &told.documents()?[..] else { bail!("{told:?}") };
    ensure!(did(&orders["answer"], "republish", "to be sure"), "{orders}");
    for (action, reason) in [
        ("give_up", "nobody lives there"),
        ("make_replay", "it is mended"),
        ("start_replay", "as it was rehearsed"),
        ("pause", "a wrong address"),
        ("end_pause", "it is put right"),
    ] {
        ensure!(did(&deliveries["answer"], action, reason), "{action}: {deliveries}");
    }
    let given_up: Vec<_> = deliveries["answer"].as_array().into_iter().flatten().collect();
    let given_up = given_up.iter().filter(|one| one["reason"] == "nobody lives there").count();
    ensure!(given_up == 1, "the second time was refused: {deliveries}");
    let one = desk.run(&["actions", "--at", "deliveries", "--most", "1", "--json"]).await?.well()?;
    let youngest = one.answer("delivery-service")?;
    ensure!(youngest[1].is_null() && youngest[0] == deliveries["answer"][0], "{youngest}");
    Ok(())
}
