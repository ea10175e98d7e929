//! `sagactl republish`

use anyhow::Result;
use sagactl::services::Side;
use serde_json::{Value, json};

use super::{Counter, LOOK_EVERY, cell};
use crate::args::Republish;
use crate::ending::Ending;
use crate::say;

/// Runs the command.
pub async fn run(args: &Republish) -> Result<Ending> {
    let counter = Counter::of(&args.desk)?;
    let side = Side::from(args.at);
    let body = json!({
        "order_id": args.order, "version": args.version, "since": args.since, "until": args.until, "reason": args.reason,
    });
    let asked = counter.services.ask(side, "/republications", &body).await?;
    if args.order.is_some() {
        counter.show(side, &asked, |asked| {
            format!("Announced again: versions {} of order {}.", cell(&asked["versions"]), cell(&asked["order_id"]))
        })?;
        return Ok(Ending::Well);
    }
    let ended = follow(&counter, side, &cell(&asked["id"])).await?;
    counter.show(side, &ended, |ended| format!("Announced again: {} events.", cell(&ended["announced"])))?;
    Ok(Ending::Well)
}

/// Waits until all of it is in the outbox. Interrupted, it goes on by itself.
async fn follow(counter: &Counter, side: Side, id: &str) -> Result<Value> {
    let count = say::count("events announced again; it goes on if you leave");
    let ended = loop {
        let one = counter.read(side, &format!("/republications/{id}")).await?;
        count.set_position(one["announced"].as_u64().unwrap_or(0));
        if one["ended_at"].is_string() {
            break one;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    count.finish_and_clear();
    Ok(ended)
}
