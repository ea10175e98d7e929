//! `sagactl parked`

use anyhow::Result;
use sagactl::services::Side;
use sagactl::table::Table;
use serde_json::{Value, json};

use super::{Counter, asking, cell, moment, rows, short};
use crate::args::{Parked, ParkedCommand};
use crate::ending::Ending;

/// Runs the command.
pub async fn run(args: &Parked) -> Result<Ending> {
    let counter = Counter::of(&args.desk)?;
    match &args.what {
        ParkedCommand::Groups { at } => {
            let look = async |side| {
                let groups = counter.read(side, "/parked-events/groups").await?;
                counter.heading(side, "what waits")?;
                counter.show(side, &groups["items"], as_groups)
            };
            return Ok(counter.at_each(*at, look).await);
        }
        ParkedCommand::List { at, cause, alike, order, state, most } => {
            let mut asked = vec![("state", state.clone())];
            if !cause.is_empty() {
                asked.push(("cause", cause.join(",")));
            }
            asked.extend(alike.event_type.clone().map(|event_type| ("event_type", event_type)));
            asked.extend(alike.error.clone().map(|error| ("error", error)));
            asked.extend(order.map(|order| ("order_id", order.to_string())));
            let path = asking("/parked-events", &asked)?;
            let look = async |side| {
                let parked = counter.list(side, &path, *most).await?;
                counter.heading(side, "parked events")?;
                counter.show(side, &parked.into(), as_list)
            };
            return Ok(counter.at_each(*at, look).await);
        }
        ParkedCommand::Show { at, id } => {
            let side = Side::from(*at);
            let parked = counter.read(side, &format!("/parked-events/{id}")).await?;
            counter.show(side, &parked, as_one)?;
        }
        ParkedCommand::GiveUp { id, reason } => {
            let path = format!("/parked-events/{id}/giving-up");
            let given_up = counter.services.ask(Side::DeliveryService, &path, &json!({ "reason": reason })).await?;
            counter.show(Side::DeliveryService, &given_up, |answer| {
                format!(
                    "Order {} is given up: it will be cancelled, and its money goes back.",
                    cell(&answer["order_id"])
                )
            })?;
        }
    }
    Ok(Ending::Well)
}

/// Said of a list that has nothing in it.
const NOTHING: &str = "Nothing is parked.";

fn as_groups(items: &Value) -> Table {
    let row = |group: &Value| {
        [
            cell(&group["events"]),
            cell(&group["orders"]),
            cell(&group["cause"]),
            cell(&group["event_type"]),
            moment(&group["oldest"]),
            cell(&group["example"]),
            cell(&group["error"]),
        ]
    };
    let headings = ["EVENTS", "ORDERS", "CAUSE", "EVENT", "OLDEST", "EXAMPLE", "ERROR"];
    Table::of(headings, &rows(items, row)).or(NOTHING)
}

fn as_list(items: &Value) -> Table {
    let row = |parked: &Value| {
        [
            cell(&parked["id"]),
            cell(&parked["order_id"]),
            cell(&parked["version"]),
            cell(&parked["event_type"]),
            cell(&parked["cause"]),
            cell(&parked["attempts"]),
            cell(&parked["resolution"]),
            moment(&parked["next_attempt_at"]),
            cell(&parked["behind"]),
            short(&parked["error"], 60),
        ]
    };
    let headings = ["ID", "ORDER", "V", "EVENT", "CAUSE", "TRIES", "RESOLVED", "NEXT TRY", "BEHIND", "ERROR"];
    Table::of(headings, &rows(items, row)).or(NOTHING)
}

fn as_one(parked: &Value) -> String {
    let mut lines = vec![format!("Parked event {}", cell(&parked["id"]))];
    for (name, member) in [
        ("order", "order_id"),
        ("version", "version"),
        ("event", "event_type"),
        ("cause", "cause"),
        ("error", "error"),
        ("tries", "attempts"),
        ("parked at", "parked_at"),
        ("next try", "next_attempt_at"),
        ("dead letter", "dead_letter_sent_at"),
        ("resolved", "resolution"),
        ("topic", "topic"),
        ("partition", "partition"),
        ("offset", "offset"),
    ] {
        lines.push(format!("  {name:<12} {}", cell(&parked[member])));
    }
    let value = |value: &Value| value.as_object().and_then(|one| one.values().next()).map_or_else(|| cell(value), cell);
    lines.push(format!("  {:<12} {}", "key", value(&parked["key"])));
    lines.push("Headers".to_owned());
    for header in parked["headers"].as_array().into_iter().flatten() {
        lines.push(format!("  {:<20} {}", cell(&header["name"]), value(&header["value"])));
    }
    lines.push("Payload".to_owned());
    lines.push(match parked["payload"].get("json") {
        Some(json) => serde_json::to_string_pretty(json).unwrap_or_default(),
        None => value(&parked["payload"]),
    });
    let behind = parked["waiting_behind"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.push(format!("{} wait behind it", behind.len()));
    for one in behind {
        lines.push(format!(
            "  version {} {} ({})",
            cell(&one["version"]),
            cell(&one["event_type"]),
            cell(&one["cause"])
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::is_whole_in_any_width;
    use super::{as_groups, as_list};

    const ERROR: &str =
        "error returned from database: new row for relation \"deliveries\" violates check constraint \"no_luck\"";

    #[test]
    fn what_is_parked_can_be_read_and_its_ids_copied_on_a_terminal_of_any_width() {
        let parked = |id: &str| {
            json!({
                "id": id, "order_id": "01a20a66-f935-758b-8626-ecdabe1ffc02", "version": 1, "event_type": "OrderCompleted",
                "cause": "unknown_schema", "attempts": 8, "resolution": "applied", "behind": 2, "error": ERROR,
                "next_attempt_at": "2026-11-23T21:54:19.123Z",
            })
        };
        is_whole_in_any_width(|ids| as_list(&ids.iter().map(|id| parked(id)).collect()));
        let group = |id: &str| {
            json!({
                "events": 12, "orders": 9, "cause": "rejected", "event_type": "OrderCompleted", "example": id, "error": ERROR,
                "oldest": "2026-11-23T21:54:19.123Z",
            })
        };
        is_whole_in_any_width(|ids| as_groups(&ids.iter().map(|id| group(id)).collect()));
    }
}
