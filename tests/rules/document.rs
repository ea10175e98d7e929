//! `docs/saga.md` says what the data says, cell by cell.

use std::{fmt::Display, fs, path::PathBuf};

use crate::{deadlines, delivery_table, order_table};

/// The document.
fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/saga.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of the table under `<!-- table: name -->`, the heading first, without the line of dashes.
fn table(document: &str, name: &str) -> Vec<Vec<String>> {
    let marker = format!("<!-- table: {name} -->\n");
    let (_, below) = document.split_once(&marker).unwrap_or_else(|| panic!("docs/saga.md has no {marker}"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = below.lines().take_while(|line| line.starts_with('|')).map(cells).collect();
    rows.into_iter().filter(|row| !row.iter().all(|cell| cell.chars().all(|char| char == '-'))).collect()
}

/// The same table, written from data.
fn from_data<R: Display, C: Display, const N: usize>(columns: [&str; N], rows: &[(R, [C; N])]) -> Vec<Vec<String>> {
    let heading = [&["status"][..], &columns[..]].concat().into_iter().map(str::to_owned).collect();
    let row = |(row, cells): &(R, [C; N])| {
        let cells = cells.iter().map(ToString::to_string);
        [row.to_string()].into_iter().chain(cells).collect()
    };
    [heading].into_iter().chain(rows.iter().map(row)).collect()
}

fn check<R: Display, C: Display, const N: usize>(name: &str, columns: [&str; N], rows: &[(R, [C; N])]) {
    let (written, data) = (table(&document(), name), from_data(columns, rows));
    assert_eq!(written.len(), data.len(), "{name}: rows");
    for (written, data) in written.iter().zip(&data) {
        assert_eq!(written, data, "{name}: the row {}", data[0]);
    }
}

#[test]
fn the_documents_order_table_of_events_is_the_one_in_the_tests() {
    check("order events", order_table::EVENT_COLUMNS, &order_table::EVENTS);
}

#[test]
fn the_documents_order_table_of_commands_is_the_one_in_the_tests() {
    check("order commands", order_table::COMMAND_COLUMNS, &order_table::COMMANDS);
}

#[test]
fn the_documents_delivery_table_of_events_is_the_one_in_the_tests() {
    check("delivery events", delivery_table::EVENT_COLUMNS, &delivery_table::EVENTS);
}

#[test]
fn the_documents_delivery_table_of_commands_is_the_one_in_the_tests() {
    check("delivery commands", delivery_table::COMMAND_COLUMNS, &delivery_table::COMMANDS);
}

#[test]
fn the_documents_deadlines_are_the_ones_in_the_tests() {
    check("order deadlines", deadlines::COLUMNS, &deadlines::ORDER_DEADLINES);
    check("delivery deadlines", deadlines::COLUMNS, &deadlines::DELIVERY_DEADLINES);
}

#[test]
fn a_document_that_drifts_is_noticed() {
    let drifted = document().replacen("→ CONFIRMED: capture", "→ CONFIRMED", 1);
    let data = from_data(order_table::EVENT_COLUMNS, &order_table::EVENTS);
    assert_ne!(table(&drifted, "order events"), data);
    assert_eq!(table(&document(), "order events"), data);
}

#[test]
fn every_invariant_is_in_the_document() {
    let document = document();
    for n in 1..=11 {
        assert!(document.contains(&format!("| **I{n}** |")), "I{n}");
    }
}
