//! `sagactl reconcile`

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use uuid::Uuid;

use crate::desk::{Desk, Told, told};

/// Nothing is on its way in between.
const SOON: &str = "--patience-seconds=2";

fn report(told: &Told) -> Result<Value> {
    let [report] = &told.documents()?[..] else { bail!("not one document: {told:?}") };
    Ok(report.clone())
}

/// An order whose first event never goes out: its pointer is deleted while its topic is held back.
async fn loses(desk: &Desk) -> Result<String> {
    desk.all_is_sent().await?;
    let begin = ["pause", "begin", "--at", "orders", "topic", "orders", "--for", "15m", "--reason", "to lose one"];
    let begun = desk.run(&begin).await?.well()?;
    let order = desk.places("Edsger Dijkstra").await?;
    let id: Uuid = order.parse()?;
    let lost = sqlx::query("delete from outbox where order_id = $1").bind(id).execute(&desk.orders).await?;
    ensure!(lost.rows_affected() == 1, "it was there");
    desk.follow(&begun.out, "it is lost").await?.well()?;
    Ok(order)
}

pub async fn what_was_lost(desk: &Desk) -> Result<()> {
    let order = loses(desk).await?;
    let dry = desk.run(&["reconcile", "--dry-run", SOON]).await?;
    ensure!(dry.status == Some(1) && dry.err.is_empty(), "{dry:?}");
    dry.says(&[&order, "would be announced again", "Nobody was asked for anything. With --apply 1 events"])?;
    let json = desk.run(&["reconcile", "--dry-run", SOON, "--json"]).await?;
    let planned = report(&json)?;
    let repeat = &planned["repeats"][0];
    ensure!(json.status == Some(1) && repeat["order_id"] == *order && repeat["version"] == 1, "{planned}");
    ensure!(repeat["owner"] == "order-service" && planned["repeats"][1].is_null(), "{planned}");
    ensure!(desk.status(&order).await? == "completed", "nobody was asked");

    desk.run(&["reconcile", "--apply", SOON]).await?.complains(2, "--reason")?;
    desk.run(&["reconcile", SOON]).await?.complains(2, "--dry-run")?;
    let mut nowhere = desk.sagactl(&["reconcile", "--apply", "--reason", "it was lost", SOON])?;
    nowhere.env("ORDERS_URL", "http://127.0.0.1:1");
    let nowhere = told(&mut nowhere).await?;
    ensure!(nowhere.status == Some(1), "{nowhere:?}");
    nowhere.says(&[&order, "was not announced: order-service does not answer"])?;

    let healed = desk.run(&["reconcile", "--apply", "--reason", "it was lost", SOON]).await?.well()?;
    healed.says(&[&order, "Healed: 1 of 1."])?;
    desk.becomes(&order, "confirmed").await?;
    let nothing = desk.run(&["reconcile", "--dry-run", SOON]).await?.well()?;
    nothing.says(&["There is nothing that a repeat would heal."])?;
    let nothing = desk.run(&["reconcile", "--apply", "--reason", "to be sure", SOON, "--json"]).await?.well()?;
    ensure!(report(&nothing)?["repeats"] == serde_json::json!([]), "{nothing:?}");
    Ok(())
}

/// Both databases and Kafka are needed: without one of them nothing is judged, and it is said which is away.
pub async fn what_cannot_be_looked_at(desk: &Desk) -> Result<()> {
    for (variable, value, named) in [
        ("ORDERS_DATABASE_URL", "postgres://nobody@127.0.0.1:1/x", "order-service's database"),
        ("DELIVERIES_DATABASE_URL", "postgres://nobody@127.0.0.1:1/x", "delivery-service's database"),
        ("TOPIC_PREFIX", "nobodys-", "nobodys-orders"),
    ] {
        let mut command = desk.sagactl(&["reconcile", "--dry-run", SOON])?;
        let told = told(command.env(variable, value)).await?;
        told.complains(2, named)?;
        ensure!(told.out.is_empty(), "{told:?}");
    }
    let mut command = desk.sagactl(&["reconcile", "--dry-run", SOON])?;
    told(command.env_remove("KAFKA_BOOTSTRAP_SERVERS")).await?.complains(2, "--kafka")?;
    let mut command = desk.sagactl(&["reconcile", "--dry-run", SOON])?;
    told(command.env_remove("ORDERS_DATABASE_URL")).await?.complains(2, "--orders-database")
}
