//! Every history there is, within bounds: a model checker takes every step that can be taken, from every state, and looks at each.
//!
//! `MODEL=large cargo test -p model model` takes wider bounds, and minutes.

mod bounds;
mod faults;
mod marks;
mod planted;
mod played;

use std::{env, time::Instant};

use stateright::{Checker, Model};

use crate::pair::{
    coverage::{Coverage, IN_A_TRANSACTION, reachable_cells},
    invariants::NAMES,
    side::Answer,
    tell,
};
use bounds::{ALL, Bounds};
use marks::MARKS;
use played::Played;

/// What all bounds together have to reach at least.
const STATES: usize = 1_000_000;

/// Where it stands what all bounds come to.
const DOCS: &str = include_str!("../../../docs/reliability.md");

/// What only the simulation comes to: it has more orders than pieces, wishes for other days, and records that change places.
const BEYOND: [&str; 3] = [
    "the day that an absent recipient wishes has no room",
    "an order is refused because nothing is left",
    "OrderCancelled jumps an OrderCompleted that has not arrived",
];

/// What came of one set of bounds.
struct Checked {
    row: String,
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
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    let row = format!("| {} | {} | {} |", bounds.name, grouped(states), grouped(steps));
    let (deep, databases, took_s) = (checker.max_depth(), model.counted(), began.elapsed().as_secs_f64());
    println!("{row} up to {deep} deep, {databases:?} databases, {took_s:.1} s");
    let reached = discoveries.into_keys().collect();
    Checked { row, states, coverage: model.coverage(), reached }
}

/// As a reader wants a number: by thousands.
fn grouped(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", grouped(number / 1_000), number % 1_000) }
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
    let checked = ALL.map(|bounds| check(if is_large { bounds.larger() } else { bounds }));
    let states: usize = checked.iter().map(|one| one.states).sum();
    println!("all bounds: {} states, {:.1} s", grouped(states), began.elapsed().as_secs_f64());
    assert!(states >= STATES, "{states} are too few");
    if !is_large {
        check_docs(&checked, states);
    }

    let named = MARKS.iter().map(|(name, _)| *name).chain(played::BETWEEN);
    let missing: Vec<&str> = named.filter(|name| !checked.iter().any(|one| one.reached.contains(name))).collect();
    assert!(missing.is_empty(), "nothing comes to {missing:#?}");
    let mut coverage = Coverage::default();
    checked.into_iter().for_each(|one| coverage.add(one.coverage));
    check_cells(&coverage);
    check_trouble(&coverage);
}

/// The document says what came of it, in the same numbers.
fn check_docs(checked: &[Checked], states: usize) {
    let (states, marks) = (format!(" {} states ", grouped(states)), MARKS.len() + played::BETWEEN.len());
    let said = checked.iter().map(|one| one.row.clone()).chain([states, format!(" stand {marks} marks ")]);
    let missing: Vec<String> = said.filter(|said| !DOCS.contains(said)).collect();
    assert!(missing.is_empty(), "docs/reliability.md does not say {missing:#?}");
}

/// What a transaction may have to deal with came, but for what is known to lie beyond these bounds.
fn check_trouble(coverage: &Coverage) {
    let missing = coverage.missing(IN_A_TRANSACTION.map(str::to_owned));
    assert_eq!(missing, BEYOND, "in no history");
}

/// The cells of both tables that are not declared impossible are reached, and no other ones.
fn check_cells(coverage: &Coverage) {
    let reachable = reachable_cells();
    let missing = coverage.missing(reachable.clone());
    assert!(missing.is_empty(), "no history came through {missing:#?}");
    let beyond: Vec<&str> = coverage.cells().filter(|cell| !reachable.iter().any(|one| one == cell)).collect();
    assert!(beyond.is_empty(), "the tables declare these impossible: {beyond:#?}");
}
