//! `sagactl replay`

use anyhow::{Context, Result, ensure};
use serde_json::json;
use uuid::Uuid;

use crate::desk::Desk;

async fn made(desk: &Desk, order: &str) -> Result<i64> {
    let order: Uuid = order.parse()?;
    let count = sqlx::query_scalar("select count(*) from deliveries where order_id = $1").bind(order);
    Ok(count.fetch_one(&desk.deliveries).await?)
}

pub async fn is_rehearsed_and_then_replayed(desk: &Desk) -> Result<()> {
    let (order, id) = desk.places_in_vain("Late").await?;
    desk.mends("Late").await?;
    let rehearse = ["replay", "rehearse", "--at", "deliveries", "--event", &id, "--reason", "it is mended"];
    let told = desk.run(&[&rehearse[..], &["--json"]].concat()).await?.well()?;
    let set = told.answer("delivery-service")?;
    ensure!(set["rehearsal"] == json!({"apply": 1}) && set["made_by"] == "olga", "{set}");
    let told = desk.run(&rehearse).await?.well()?;
    told.says(&["of olga: it is mended", "rehearsed: 1 apply; 0 would move money", "outcomes: none", &order])?;
    told.says(&["Nothing has been replayed. To replay exactly these:"])?;
    ensure!(made(desk, &order).await? == 0 && desk.status(&order).await? == "completed", "a rehearsal changes nothing");

    let ended = desk.follow(&told.out, "as it was rehearsed").await?.well()?;
    ended.says(&["outcomes: 1 applied", &order])?;
    desk.becomes(&order, "confirmed").await?;
    // Started again it is not replayed again; and what was rehearsed before is by now a repeat.
    desk.follow(&told.out, "once more").await?.well()?.says(&["outcomes: 1 applied"])?;
    let first = set["id"].as_str().context("an id")?;
    let start = ["replay", "start", "--at", "deliveries", first, "--reason", "the other set", "--json"];
    let repeated = desk.run(&start).await?.well()?.answer("delivery-service")?;
    ensure!(repeated["outcomes"] == json!({"duplicate": 1}) && repeated["ended_at"].is_string(), "{repeated}");
    ensure!(made(desk, &order).await? == 1, "the second time changes nothing");

    desk.run(&["replay", "show", "--at", "deliveries", first]).await?.well()?.says(&["outcomes: 1 duplicate"])?;
    let told = desk.run(&["replay", "list"]).await?.well()?;
    told.says(&[first, "it is mended", "order-service: replays\nNothing was rehearsed."])?;
    let listed = desk.run(&["replay", "list", "--at", "deliveries", "--json"]).await?.well()?;
    let listed = listed.answer("delivery-service")?;
    let listed = listed.as_array().context("a list")?;
    ensure!(listed.len() == 2 && listed.iter().all(|set| set["done"] == 1), "{listed:?}");
    Ok(())
}

/// Exit status 1: it was done, and something is left.
pub async fn still_fails(desk: &Desk) -> Result<()> {
    let (order, id) = desk.places_in_vain("Never").await?;
    let rehearse = ["replay", "rehearse", "--at", "deliveries", "--order", &order, "--reason", "in the hope"];
    let of_group = |error| [&rehearse[..], &["--event-type", "OrderCompleted", "--error", error]].concat();
    let groups = desk.run(&["parked", "groups", "--at", "deliveries", "--json"]).await?.well()?;
    let groups = groups.answer("delivery-service")?;
    let told = desk.run(&of_group(groups[0]["error"].as_str().context("an error")?)).await?.well()?;
    told.says(&["rehearsed: 1 still failing", "no parcel for Never"])?;
    let ended = desk.follow(&told.out, "in vain").await?;
    ensure!(ended.status == Some(1) && ended.err.is_empty(), "{ended:?}");
    ended.says(&["outcomes: 1 still failing", "no parcel for Never"])?;

    let another = desk.run(&of_group("another error")).await?;
    another.complains(2, "delivery-service answers 404: No parked event is like that.")?;
    let nothing = ["replay", "rehearse", "--at", "deliveries", "--cause", "gap", "--reason", "in the hope"];
    desk.run(&nothing).await?.complains(2, "delivery-service answers 404: No parked event is like that.")?;
    let whatever = ["replay", "rehearse", "--at", "deliveries", "--reason", "in the hope"];
    desk.run(&whatever).await?.complains(2, "has to say which: events, cause, event_type, error or order_id")?;
    desk.run(&["parked", "give-up", &id, "--reason", "no hope"]).await?.well()?;
    desk.becomes(&order, "cancelled").await
}
