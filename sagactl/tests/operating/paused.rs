//! `sagactl pause`

use anyhow::{Result, ensure};
use serde_json::json;

use crate::desk::Desk;

pub async fn an_order_is_held_back_and_goes_on(desk: &Desk) -> Result<()> {
    let order = desk.places("Grace Hopper").await?;
    desk.becomes(&order, "confirmed").await?;
    let begin =
        ["pause", "begin", "--at", "deliveries", "order", &order, "--for", "15m", "--reason", "a wrong address"];
    let begun = desk.run(&begin).await?.well()?;
    begun.says(&[&format!("order {order} is held back until "), "To end it:"])?;
    desk.run(&begin).await?.complains(2, "delivery-service answers 409: ")?;

    desk.cancels(&order).await?;
    let id = desk.parked(&order).await?;
    let shown = desk.run(&["parked", "show", "--at", "deliveries", &id]).await?.well()?;
    shown.says(&["paused", "OrderCancelled"])?;
    let stuck = desk.run(&["stuck", &order]).await?;
    ensure!(stuck.status == Some(0), "nothing has waited longer than it may: {stuck:?}");
    stuck.says(&["paused", "held back by olga", "a wrong address"])?;
    let told = desk.run(&["pause", "list"]).await?.well()?;
    told.says(&["order-service: what is held back\nNothing is held back.", &order, "olga", "a wrong address"])?;
    let listed = desk.run(&["pause", "list", "--at", "deliveries", "--json"]).await?.well()?;
    let listed = listed.answer("delivery-service")?;
    ensure!(listed[0]["name"] == *order && listed[0]["owner"] == "olga" && listed[1].is_null(), "{listed}");
    ensure!(desk.status(&order).await? == "cancelling", "it is held back");

    let ended = desk.follow(&begun.out, "it is put right").await?.well()?;
    ended.says(&[&format!("order {order} goes on.")])?;
    desk.becomes(&order, "cancelled").await?;
    let none = desk.run(&["pause", "list", "--at", "deliveries", "--json"]).await?.well()?;
    ensure!(none.answer("delivery-service")? == json!([]), "{none:?}");
    desk.run(&["pause", "list", "--all"]).await?.well()?.says(&[&order])
}
