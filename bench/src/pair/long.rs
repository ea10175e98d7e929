//! Ten minutes at 70 % of what the pair can do: do the tables stay as they are that are never meant to grow?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use devstack::Progress;
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
pub async fn long(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let mut stage = Stage::raise(options, progress, report).await?;
    let per_second = 0.7 * maximum(&mut stage, "long_max", options, report).await?;
    warm_up(&mut stage, options).await?;
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
    stage.strike().await
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

/// Each table's dead rows and its size: how they end, and how many times what they were before.
fn add_tables(seen: &Seen, report: &mut Report) {
    let Some((_, first)) = seen.first() else { return };
    for name in first.iter().map(|table| &table.name) {
        let points = |number: fn(&Table) -> f64| -> Vec<(f64, f64)> {
            let of_name = |tables: &[Table]| tables.iter().find(|table| table.name == *name).map(number);
            seen.iter().filter_map(|(second, tables)| Some((*second, of_name(tables)?))).collect()
        };
        for (what, unit, points) in
            [("dead_rows", Unit::Count, points(|table| table.dead_rows)), ("mb", Unit::Mb, points(|table| table.mb))]
        {
            let most = points.iter().map(|(_, number)| *number).fold(0.0, f64::max);
            report.add(&format!("long.{name}_max_{what}"), most, unit);
            if let Some(growth) = growth(&points) {
                report.add(&format!("long.{name}_growth_{what}"), growth, Unit::Share);
            }
            report.series.push(Series { name: format!("long.{name}_{what}"), points });
        }
    }
}

/// The mean of the last third, as a multiple of the mean of the middle one: what goes up and down all the time has about 1. The first
/// third is passed over, in which everything grows to its usual size. Nothing where there is too little to tell.
fn growth(points: &[(f64, f64)]) -> Option<f64> {
    let third = points.len() / 3;
    if third == 0 {
        return None;
    }
    let mean = |points: &[(f64, f64)]| points.iter().map(|(_, number)| *number).sum::<f64>() / points.len() as f64;
    let (middle, last) = (mean(&points[third..2 * third]), mean(&points[2 * third..]));
    (middle > 0.0).then_some(last / middle)
}

#[cfg(test)]
mod tests {
    use super::growth;

    fn of(numbers: &[f64]) -> Option<f64> {
        growth(&numbers.iter().map(|number| (0.0, *number)).collect::<Vec<_>>())
    }

    #[test]
    fn what_goes_up_and_down_does_not_grow_and_what_piles_up_does() {
        assert_eq!(of(&[0.0, 9.0, 0.0, 5.0, 1.0, 5.0, 1.0, 5.0, 5.0]), Some(11.0 / 11.0));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Some(5.5 / 3.5));
        assert_eq!(of(&[1.0, 2.0]), None, "too little");
        assert_eq!(of(&[0.0; 9]), None, "nothing to be a multiple of");
    }
}
