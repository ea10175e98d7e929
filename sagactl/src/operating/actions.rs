//! `sagactl actions`

use anyhow::Result;
use sagactl::table::Table;
use serde_json::Value;

use super::{Counter, cell, moment, rows, short};
use crate::args::Actions;
use crate::ending::Ending;

/// Runs the command.
pub async fn run(args: &Actions) -> Result<Ending> {
    let counter = Counter::of(&args.desk)?;
    let look = async |side| {
        let actions = counter.list(side, "/operator-actions", args.most).await?;
        counter.heading(side, "what operators did")?;
        counter.show(side, &actions.into(), as_list)
    };
    Ok(counter.at_each(args.at, look).await)
}

fn as_list(actions: &Value) -> Table {
    let row = |action: &Value| {
        [
            moment(&action["at"]),
            cell(&action["who"]),
            cell(&action["action"]),
            cell(&action["target"]),
            short(&action["reason"], 60),
        ]
    };
    let headings = ["WHEN", "WHO", "ACTION", "TARGET", "REASON"];
    Table::of(headings, &rows(actions, row)).or("Nobody did anything.")
}
