//! `sagactl replay`

use anyhow::{Context, Result};
use sagactl::services::Side;
use sagactl::table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Counter, LOOK_EVERY, PAGE, at, cell, moment, rows, short};
use crate::args::{Replay, ReplayCommand};
use crate::ending::Ending;
use crate::say;

/// Runs the command.
pub async fn run(args: &Replay) -> Result<Ending> {
    let counter = Counter::of(&args.desk)?;
    match &args.what {
        ReplayCommand::Rehearse { at, event, cause, alike, order, per_second, reason } => {
            let side = Side::from(*at);
            let mut body = json!({ "reason": reason, "per_second": per_second });
            if !event.is_empty() {
                body["events"] = json!(event);
            }
            body["cause"] = json!(cause);
            body["event_type"] = json!(alike.event_type);
            body["error"] = json!(alike.error);
            body["order_id"] = json!(order);
            let set = counter.services.ask(side, "/replays", &body).await?;
            counter.show(side, &set, |set| format!("{}\n\n{}", as_set(set), next(set, side)))?;
            Ok(Ending::Well)
        }
        ReplayCommand::Start { at, id, reason } => start(&counter, (*at).into(), *id, reason).await,
        ReplayCommand::Show { at, id } => {
            let side = Side::from(*at);
            counter.show(side, &counter.read(side, &format!("/replays/{id}")).await?, as_set)?;
            Ok(Ending::Well)
        }
        ReplayCommand::List { at } => {
            let look = async |side| {
                let sets = counter.list(side, "/replays", PAGE).await?;
                counter.heading(side, "replays")?;
                counter.show(side, &sets.into(), as_list)
            };
            Ok(counter.at_each(*at, look).await)
        }
    }
}

/// Exit status 1 where something of the set could not be applied.
async fn start(counter: &Counter, side: Side, id: Uuid, reason: &str) -> Result<Ending> {
    let path = format!("/replays/{id}");
    let started = counter.services.ask(side, &format!("{path}/start"), &json!({ "reason": reason })).await?;
    let events = started["events"].as_u64().context("the answer was not understood")?;
    let bar = say::bar(events, "events replayed");
    let ended = loop {
        let set = counter.read(side, &path).await?;
        bar.set_position(set["done"].as_u64().unwrap_or(0));
        if set["ended_at"].is_string() {
            break set;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    bar.finish_and_clear();
    counter.show(side, &ended, as_set)?;
    Ok(if ended["outcomes"]["still_failing"].is_null() { Ending::Well } else { Ending::Failed })
}

fn next(set: &Value, side: Side) -> String {
    let (at, id) = (at(side), cell(&set["id"]));
    format!("Nothing has been replayed. To replay exactly these:\n  sagactl replay start --at {at} {id} --reason '…'")
}

fn summary(counts: &Value) -> String {
    let counts = counts
        .as_object()
        .map(|counts| counts.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))));
    counts
        .map(|counts| counts.collect::<Vec<_>>().join(", "))
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "none".to_owned())
}

/// A set has room for so many: what is left out needs another one, and nobody should take this one for all.
fn left_out(set: &Value) -> String {
    match set["left_out"].as_u64() {
        None | Some(0) => String::new(),
        Some(many) => format!("; {many} more are left out: rehearse again when these are done"),
    }
}

fn as_set(set: &Value) -> String {
    format!(
        "Replay {} of {}: {}\n  rehearsed: {}; {} would move money{}\n  outcomes: {}\n{}",
        cell(&set["id"]),
        cell(&set["made_by"]),
        cell(&set["reason"]),
        summary(&set["rehearsal"]),
        cell(&set["moving_money"]),
        left_out(set),
        summary(&set["outcomes"]),
        events(&set["items"])
    )
}

fn events(items: &Value) -> Table {
    let row = |event: &Value| {
        [
            cell(&event["number"]),
            cell(&event["order_id"]),
            cell(&event["version"]),
            cell(&event["rehearsed"]).replace('_', " "),
            cell(&event["outcome"]).replace('_', " "),
            if event["money"] == "" { "–".to_owned() } else { cell(&event["money"]) },
            short(if event["error"].is_null() { &event["detail"] } else { &event["error"] }, 70),
        ]
    };
    Table::of(["N", "ORDER", "V", "REHEARSED", "OUTCOME", "MONEY", "DETAIL"], &rows(items, row))
}

fn as_list(sets: &Value) -> Table {
    let row = |set: &Value| {
        [
            cell(&set["id"]),
            moment(&set["made_at"]),
            cell(&set["made_by"]),
            cell(&set["events"]),
            cell(&set["done"]),
            moment(&set["started_at"]),
            moment(&set["ended_at"]),
            short(&set["reason"], 50),
        ]
    };
    let headings = ["ID", "MADE", "BY", "EVENTS", "DONE", "STARTED", "ENDED", "REASON"];
    Table::of(headings, &rows(sets, row)).or("Nothing was rehearsed.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::is_whole_in_any_width;
    use super::{as_list, events};

    #[test]
    fn a_replay_can_be_read_and_its_ids_copied_on_a_terminal_of_any_width() {
        let event = |order: &str| {
            json!({
                "number": 1, "order_id": order, "version": 2, "rehearsed": "still_failing", "outcome": null, "money": "",
                "error": "error returned from database: no parcel for Ada Lovelace in any zone of ours",
            })
        };
        is_whole_in_any_width(|orders| events(&orders.iter().map(|order| event(order)).collect()));
        let set = |id: &str| {
            let at = "2026-12-01T08:00:00.123Z";
            json!({
                "id": id, "made_at": at, "made_by": "olga", "events": 7, "done": 7, "started_at": at, "ended_at": at,
                "reason": "the zone is there now, and so is its courier",
            })
        };
        is_whole_in_any_width(|ids| as_list(&ids.iter().map(|id| set(id)).collect()));
    }
}
