//! `sagactl pause`

use anyhow::Result;
use sagactl::services::Side;
use sagactl::table::Table;
use serde_json::{Value, json};

use super::{Counter, PAGE, cell, moment, rows, short};
use crate::args::{Held, Pause, PauseCommand};
use crate::ending::Ending;

/// Runs the command.
pub async fn run(args: &Pause) -> Result<Ending> {
    let counter = Counter::of(&args.desk)?;
    match &args.what {
        PauseCommand::Begin { at, what, name, length, reason } => {
            let what = match what {
                Held::Consumer => "consumer",
                Held::Topic => "topic",
                Held::Order => "order",
            };
            let body = json!({ "what": what, "name": name, "reason": reason, "for_s": length.as_secs() });
            let side = Side::from(*at);
            let pause = counter.services.ask(side, "/pauses", &body).await?;
            counter.show(side, &pause, |pause| {
                let (until, at, id) = (moment(&pause["until"]), super::at(side), cell(&pause["id"]));
                format!(
                    "{what} {name} is held back until {until}. To end it:\n  sagactl pause end --at {at} {id} --reason '…'"
                )
            })?;
        }
        PauseCommand::End { at, id, reason } => {
            let side = Side::from(*at);
            let pause = counter.services.ask(side, &format!("/pauses/{id}/end"), &json!({ "reason": reason })).await?;
            counter
                .show(side, &pause, |pause| format!("{} {} goes on.", cell(&pause["what"]), cell(&pause["name"])))?;
        }
        PauseCommand::List { at, all } => {
            let path = if *all { "/pauses" } else { "/pauses?in_force=true" };
            let look = async |side| {
                let pauses = counter.list(side, path, PAGE).await?;
                counter.heading(side, "what is held back")?;
                counter.show(side, &pauses.into(), as_list)
            };
            return Ok(counter.at_each(*at, look).await);
        }
    }
    Ok(Ending::Well)
}

fn as_list(pauses: &Value) -> Table {
    let row = |pause: &Value| {
        [
            cell(&pause["id"]),
            cell(&pause["what"]),
            cell(&pause["name"]),
            moment(&pause["since"]),
            moment(&pause["until"]),
            cell(&pause["owner"]),
            moment(&pause["ended_at"]),
            short(&pause["reason"], 50),
        ]
    };
    let headings = ["ID", "WHAT", "NAME", "SINCE", "UNTIL", "OWNER", "ENDED", "REASON"];
    Table::of(headings, &rows(pauses, row)).or("Nothing is held back.")
}
