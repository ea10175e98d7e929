//! Every history there is, within bounds: a model checker takes every step that can be taken, from every state, and looks at each.
//!
//! `MODEL=large cargo test -p tests --test model model` takes wider bounds, and minutes.

mod bounds;
mod marks;
mod planted;
mod played;

use std::{env, time::Instant};

use stateright::{Checker, Model};

use crate::pair::{
    coverage::{Coverage, reachable_cells},
    invariants::NAMES,
    side::Answer,
    tell,
};
use bounds::{Bounds, FAULT, FAULTS, PATIENCE, RIVALS, TABLES};
use marks::MARKS;
use played::Played;

/// What all bounds together have to reach at least.
const STATES: usize = 1_000_000;

/// What came of one set of bounds.
struct Checked {
    states: usize,
    coverage: Coverage,
    reached: Vec<&'static str>,
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Takes every step, and tells the first history that breaks something.
fn check(bounds: Bounds) -> Checked {
    let began = Instant::now();
    let checker = Played::new(bounds).checker().threads(threads()).spawn_bfs().join();
    let discoveries = checker.discoveries();
    for name in NAMES {
        if let Some(path) = discoveries.get(name) {
            panic!("{name} is broken:\n{}", story(checker.model(), path.clone().into_vec()));
        }
    }
    let model = checker.model();
    println!(
        "{}: {} states, {} steps, up to {} deep, {:?} databases, {:.1} s",
        bounds.name,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        model.counted(),
        began.elapsed().as_secs_f64(),
    );
    let reached = discoveries.into_keys().collect();
    Checked { states: checker.unique_state_count(), coverage: model.coverage(), reached }
}

fn story(model: &Played, path: Vec<(played::State, Option<crate::pair::Step>)>) -> String {
    let mut lines = vec![];
    for window in path.windows(2) {
        let (before, Some(step)) = &window[0] else { continue };
        lines.push(tell(&before.pair, step, &Answer::Committed, &window[1].0.pair));
    }
    let evidence = path.last().map(|(state, _)| model.evidence(state));
    format!("{}\n{evidence:#?}", lines.join("\n"))
}

#[test]
fn every_history_within_bounds_keeps_every_invariant_and_all_that_can_be_reached_is() {
    let began = Instant::now();
    let is_large = env::var("MODEL").is_ok_and(|which| which == "large");
    let all = [FAULT, FAULTS, RIVALS, TABLES, PATIENCE].map(|bounds| if is_large { bounds.larger() } else { bounds });
    let checked = all.map(check);
    let states: usize = checked.iter().map(|one| one.states).sum();
    println!("all bounds: {states} states, {:.1} s", began.elapsed().as_secs_f64());
    assert!(states >= STATES, "{states} are too few");

    let named = MARKS.iter().map(|(name, _)| *name).chain(played::BETWEEN);
    let missing: Vec<&str> = named.filter(|name| !checked.iter().any(|one| one.reached.contains(name))).collect();
    assert!(missing.is_empty(), "nothing comes to {missing:#?}");
    let mut coverage = Coverage::default();
    checked.into_iter().for_each(|one| coverage.add(one.coverage));
    check_cells(&coverage);
}

/// The cells of both tables that are not declared impossible are reached, and no other ones.
fn check_cells(coverage: &Coverage) {
    let reachable = reachable_cells();
    let missing = coverage.missing(reachable.clone());
    assert!(missing.is_empty(), "no history came through {missing:#?}");
    let beyond: Vec<&str> = coverage.cells().filter(|cell| !reachable.iter().any(|one| one == cell)).collect();
    assert!(beyond.is_empty(), "the tables declare these impossible: {beyond:#?}");
}
