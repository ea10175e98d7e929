//! Tables that fit the terminal, in colours only there. What goes into a file or a pipe is as wide as it is.

use std::fmt::Display;

pub use comfy_table::Cell;
use comfy_table::{Color, ContentArrangement, Table, presets};

/// The rows below their headings. Where the terminal is narrower than that, cells are broken into lines.
#[must_use]
pub fn table<const N: usize, C: Clone + Into<Cell>>(headings: [&str; N], rows: &[[C; N]]) -> String {
    in_width(headings, rows, None)
}

fn in_width<const N: usize, C: Clone + Into<Cell>>(headings: [&str; N], rows: &[[C; N]], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(headings);
    for row in rows {
        table.add_row(row.clone());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(width) = width {
        table.set_width(width);
    }
    table.trim_fmt()
}

/// As it should be.
pub fn good(text: impl Display) -> Cell {
    coloured(text, Color::Green)
}

/// Somebody may want to know.
pub fn doubtful(text: impl Display) -> Cell {
    coloured(text, Color::Yellow)
}

/// Not as it should be.
pub fn bad(text: impl Display) -> Cell {
    coloured(text, Color::Red)
}

fn coloured(text: impl Display, colour: Color) -> Cell {
    let cell = Cell::new(text);
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if unwanted { cell } else { cell.fg(colour) }
}

#[cfg(test)]
mod tests {
    use super::{in_width, table};

    #[test]
    fn each_column_is_as_wide_as_what_is_in_it() {
        let rows =
            [["1".to_owned(), "zwölf".to_owned(), "x".to_owned()], ["100".to_owned(), String::new(), String::new()]];
        assert_eq!(table(["N", "WHAT", "WHY"], &rows), "N    WHAT   WHY\n1    zwölf  x\n100");
    }

    #[test]
    fn what_is_too_wide_for_the_terminal_is_broken_into_lines() {
        let shown =
            in_width(["N", "WHY"], &[["1", "it was too long to stand in one line of a small terminal"]], Some(30));
        assert!(shown.lines().all(|line| line.chars().count() <= 30) && shown.lines().count() > 2, "{shown}");
    }
}
