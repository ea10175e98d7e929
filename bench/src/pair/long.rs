//! Ten minutes at 70 % of what the pair can do: do the tables stay as they are that are never meant to grow?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::open::connections;
use super::{maximum, warm_up};
use crate::load::{Asked, open};
use crate::options::Options;
use crate::report::{Report, Series, Unit};
use crate::stage::{Stage, Table, Tables};

const LOOK_EVERY: Duration = Duration::from_secs(10);
const QUICK_LOOK_EVERY: Duration = Duration::from_millis(500);

/// What was seen of the tables, and how many seconds after the beginning.
type Seen = Vec<(f64, Vec<Table>)>;

/// Ten minutes.
pub async fn long(stage: &mut Stage, options: &Options, report: &mut Report) -> Result<()> {
    let per_second = 0.7 * maximum(stage, "long_max", options, report).await?;
    warm_up(stage, options).await?;
    let load = stage.load(connections(options), Asked::Plain)?;
    let tables = Tables::at(stage.stack.order_database_url(), stage.stack.delivery_database_url())?;
    let (enough, told) = oneshot::channel();
    let looking = tokio::spawn(look(tables, options.sized(LOOK_EVERY, QUICK_LOOK_EVERY), told));
    let tally = open(&load, per_second, options.length_s(600, 3)).await?;
    drop(enough);
    let seen = looking.await.context("Nobody looked at the tables any more")??;
    stage.settle(tally.accepted).await?;
    report.add("long.rate_per_s", per_second, Unit::PerSecond);
    report.add("long.refused", tally.refused as f64, Unit::Count);
    add_tables(&seen, report);
    Ok(())
}

async fn look(tables: Tables, every: Duration, mut enough: oneshot::Receiver<()>) -> Result<Seen> {
    let began = Instant::now();
    let mut seen = Vec::new();
    let mut turns = interval(every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut enough => return Ok(seen),
            _ = turns.tick() => seen.push((began.elapsed().as_secs_f64(), tables.look().await?)),
        }
    }
}

/// Each table's dead rows and its size: at most, and whether they became more and more.
fn add_tables(seen: &Seen, report: &mut Report) {
    let Some((_, first)) = seen.first() else { return };
    for name in first.iter().map(|table| &table.name) {
        let points = |number: fn(&Table) -> f64| {
            let of_name = |tables: &[Table]| tables.iter().find(|table| table.name == *name).map(number);
            seen.iter().filter_map(|(second, tables)| Some((*second, of_name(tables)?))).collect()
        };
        for (what, unit, points) in
            [("dead_rows", Unit::Count, points(|table| table.dead_rows)), ("mb", Unit::Mb, points(|table| table.mb))]
        {
            let series = Series { name: format!("long.{name}_{what}"), points };
            report.add(&format!("long.{name}_max_{what}"), series.most(), unit);
            if let Some(growth) = series.growth() {
                report.add(&format!("long.{name}_growth_{what}"), growth, Unit::Share);
            }
            report.series.push(series);
        }
    }
}
