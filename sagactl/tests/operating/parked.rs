//! `sagactl parked`

use anyhow::{Result, ensure};
use serde_json::json;

use crate::desk::Desk;

pub async fn is_listed_and_shown(desk: &Desk) -> Result<()> {
    let (order, id) = desk.places_in_vain("Poison").await?;

    let told = desk.run(&["parked", "groups"]).await?.well()?;
    told.says(&["delivery-service: what waits", "rejected", "OrderCompleted", "no parcel for Poison"])?;
    told.says(&["order-service: what waits\nNothing is parked."])?;
    let told = desk.run(&["parked", "groups", "--json"]).await?.well()?;
    let [orders, deliveries] = &told.documents()?[..] else { anyhow::bail!("{told:?}") };
    ensure!(orders == &json!({"service": "order-service", "answer": []}), "{orders}");
    let group = &deliveries["answer"][0];
    ensure!(deliveries["service"] == "delivery-service" && group["example"] == *id, "{deliveries}");
    ensure!((&group["events"], &group["cause"]) == (&json!(1), &json!("rejected")), "{group}");

    let told = desk.run(&["parked", "list", "--at", "deliveries", "--order", &order]).await?.well()?;
    told.says(&["ID", "BEHIND", &order, &id, "OrderCompleted", "rejected"])?;
    ensure!(told.out.lines().filter(|line| line.contains(&order)).count() == 1, "one line for one event: {told:?}");
    let list = ["parked", "list", "--at", "deliveries", "--order", &order, "--json", "--cause"];
    for (causes, found) in [("rejected,gap", 1), ("gap", 0)] {
        let listed = desk.run(&[&list[..], &[causes]].concat()).await?.well()?.answer("delivery-service")?;
        ensure!(listed.as_array().is_some_and(|listed| listed.len() == found), "{causes}: {listed}");
    }
    let error = group["error"].as_str().unwrap_or_default();
    let of_group = ["parked", "list", "--at", "deliveries", "--event-type", "OrderCompleted", "--json", "--error"];
    for (error, found) in [(error, json!(id)), ("another & no other", json!(null))] {
        let listed = desk.run(&[&of_group[..], &[error]].concat()).await?.well()?.answer("delivery-service")?;
        ensure!(listed[0]["id"] == found, "{error}: {listed}");
    }
    let told = desk.run(&["parked", "list", "--at", "deliveries", "--state", "resolved", "--order", &order]).await?;
    told.well()?.says(&["Nothing is parked."])?;

    let told = desk.run(&["parked", "show", "--at", "deliveries", &id]).await?.well()?;
    told.says(&["rejected", "no parcel for Poison", "ce_type", "\"recipient\": \"Poison\"", "0 wait behind it"])?;
    let shown = desk.run(&["parked", "show", "--at", "deliveries", &id, "--json"]).await?.well()?;
    let shown = shown.answer("delivery-service")?;
    ensure!(shown["payload"]["json"]["delivery_address"]["recipient"] == "Poison", "{shown}");
    ensure!(shown["key"]["text"] == *order && shown["waiting_behind"] == json!([]), "{shown}");

    desk.mends("Poison").await?;
    let again = format!("update parked_events set next_attempt_at = now() where id = '{id}'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(again)).execute(&desk.deliveries).await?;
    desk.becomes(&order, "confirmed").await
}

pub async fn is_given_up(desk: &Desk) -> Result<()> {
    let (order, id) = desk.places_in_vain("Nobody").await?;
    desk.run(&["parked", "give-up", &id]).await?.complains(2, "--reason")?;
    let short = desk.run(&["parked", "give-up", &id, "--reason", "x"]).await?;
    short.complains(2, "delivery-service answers 422: 1 invalid field(s): /reason")?;
    ensure!(desk.status(&order).await? == "completed", "nothing was given up");

    let told = desk.run(&["parked", "give-up", &id, "--reason", "nobody lives there"]).await?.well()?;
    told.says(&[&format!("Order {order} is given up: it will be cancelled, and its money goes back.")])?;
    desk.becomes(&order, "cancelled").await?;
    let again = desk.run(&["parked", "give-up", &id, "--reason", "nobody lives there"]).await?;
    again.complains(2, "delivery-service answers 409: The event is given up already.")?;
    ensure!(again.out.is_empty(), "{again:?}");

    let (order, id) = desk.places_in_vain("Nobody else").await?;
    let told = desk.run(&["parked", "give-up", &id, "--reason", "nor there", "--json"]).await?.well()?;
    let given_up = told.answer("delivery-service")?;
    ensure!(given_up == json!({"parked_event": id, "order_id": order, "resolution": "given_up"}), "{given_up}");
    desk.becomes(&order, "cancelled").await
}
