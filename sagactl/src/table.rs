//! Tables that fit the terminal, in colours only there. What goes into a file or a pipe is as wide as it is.
//!
//! What somebody may want to copy stays whole: no word that is as long as an id, or shorter, is broken. Where not even that leaves room for
//! columns, each row becomes a block of lines.

use std::fmt::{self, Display};

pub use comfy_table::Cell;
use comfy_table::{Color, ColumnConstraint, ContentArrangement, Width, presets};

/// As long as an id. What is longer may be broken.
const KEPT_WHOLE: usize = 36;
const GAP: u16 = 2;
/// So far in stands what is below a row.
const INDENT: u16 = 4;

/// Rows below their headings.
#[derive(Clone, Debug)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Row>,
    if_empty: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Row {
    cells: Vec<Cell>,
    below: Option<String>,
}

/// The rows below their headings, as they fit the terminal.
#[must_use]
pub fn table<const N: usize, C: Clone + Into<Cell>>(headings: [&str; N], rows: &[[C; N]]) -> String {
    Table::of(headings, rows).to_string()
}

impl Table {
    /// These rows.
    #[must_use]
    pub fn of<const N: usize, C: Clone + Into<Cell>>(headings: [&str; N], rows: &[[C; N]]) -> Self {
        let row = |cells: &[C; N]| Row { cells: cells.clone().map(Into::into).to_vec(), below: None };
        Self { headings: headings.map(str::to_owned).to_vec(), rows: rows.iter().map(row).collect(), if_empty: None }
    }

    /// With a sentence below each row: as many as there are rows.
    #[must_use]
    pub fn with_below(mut self, sentences: impl IntoIterator<Item = String>) -> Self {
        for (row, sentence) in self.rows.iter_mut().zip(sentences) {
            row.below = Some(sentence);
        }
        self
    }

    /// What is said where there are no rows.
    #[must_use]
    pub fn or(self, sentence: &'static str) -> Self {
        Self { if_empty: Some(sentence), ..self }
    }

    /// As it is shown on a page of so many columns.
    #[must_use]
    pub fn in_width(&self, columns: u16) -> String {
        self.within(Some(columns))
    }

    fn within(&self, room: Option<u16>) -> String {
        if let Some(sentence) = self.if_empty.filter(|_| self.rows.is_empty()) {
            return sentence.to_owned();
        }
        let has_more = self.rows.iter().any(|row| row.below.is_some());
        // A row with more below it stands in one line, or is read as a block.
        let widths = self.widths(if has_more { longest_line } else { longest_word });
        let gaps = GAP.saturating_mul(width(self.headings.len()).saturating_sub(1));
        let needed = widths.iter().fold(gaps, |sum, width| sum.saturating_add(*width));
        if room.is_some_and(|room| needed > room) {
            return self.as_blocks(room);
        }
        let headings = self.headings.iter().map(Cell::new).collect();
        if !has_more {
            let rows = self.rows.iter().map(|row| row.cells.clone());
            return in_columns([headings].into_iter().chain(rows), &widths, room);
        }
        let shown = self.rows.iter().map(|row| row.shown([row.cells.clone()], &widths, room));
        [in_columns([headings], &widths, room)].into_iter().chain(shown).collect::<Vec<_>>().join("\n")
    }

    fn widths(&self, of: fn(&str) -> usize) -> Vec<u16> {
        let widest = |(column, heading): (usize, &String)| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
            width(cells.map(|cell| of(&cell.content())).max().unwrap_or(0).max(of(heading)))
        };
        self.headings.iter().enumerate().map(widest).collect()
    }

    /// A line for each cell that has something in it.
    fn as_blocks(&self, room: Option<u16>) -> String {
        let headings = self.headings.iter().map(|heading| longest_line(heading)).max().unwrap_or(0);
        let widths = [width(headings), self.widths(longest_word).into_iter().max().unwrap_or(0)];
        let block = |row: &Row| {
            let named = self.headings.iter().zip(&row.cells).filter(|(_, cell)| !cell.content().is_empty());
            row.shown(named.map(|(heading, cell)| vec![Cell::new(heading), cell.clone()]), &widths, room)
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
    }
}

impl Row {
    /// These lines, and what is below them.
    fn shown(&self, lines: impl IntoIterator<Item = Vec<Cell>>, widths: &[u16], room: Option<u16>) -> String {
        let lines = in_columns(lines, widths, room);
        let Some(below) = &self.below else { return lines };
        let room = room.map(|room| room.saturating_sub(INDENT));
        let below = in_columns([vec![Cell::new(below)]], &[width(longest_word(below))], room);
        below.lines().fold(lines, |shown, line| format!("{shown}\n{:1$}{line}", "", INDENT.into()))
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terminal = comfy_table::Table::new().width();
        f.write_str(&self.within(terminal))
    }
}

/// Lines in columns that are at least so wide.
fn in_columns(lines: impl IntoIterator<Item = Vec<Cell>>, widths: &[u16], room: Option<u16>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).add_rows(lines);
    for (column, width) in table.column_iter_mut().zip(widths) {
        let gap = if column.index + 1 == widths.len() { 0 } else { GAP };
        column.set_padding((0, gap));
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width.saturating_add(gap))));
    }
    if let Some(room) = room {
        table.set_width(room);
    }
    table.trim_fmt()
}

fn longest_line(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Of the words that are kept whole.
fn longest_word(text: &str) -> usize {
    let words = text.split_whitespace().map(|word| word.chars().count());
    words.map(|length| length.min(KEPT_WHOLE)).max().unwrap_or(0)
}

fn width(chars: usize) -> u16 {
    u16::try_from(chars).unwrap_or(u16::MAX)
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
    use super::{Table, table};

    const ONE: &str = "01a20a66-e190-7167-9365-adb16eb5ec63";
    const OTHER: &str = "01a20a66-e0a3-7569-8846-744eb125e4e9";

    fn fits(shown: &str, width: usize) {
        assert!(shown.lines().all(|line| line.chars().count() <= width), "wider than {width}:\n{shown}");
    }

    #[test]
    fn each_column_is_as_wide_as_what_is_in_it() {
        let rows =
            [["1".to_owned(), "zwölf".to_owned(), "x".to_owned()], ["100".to_owned(), String::new(), String::new()]];
        assert_eq!(table(["N", "WHAT", "WHY"], &rows), "N    WHAT   WHY\n1    zwölf  x\n100");
    }

    #[test]
    fn what_is_too_wide_for_the_terminal_is_broken_into_lines_and_no_id_is() {
        let why = "it was too long to stand in one line of a small terminal";
        let table = Table::of(["ID", "ORDER", "WHY"], &[[ONE, OTHER, why], [OTHER, ONE, why]]);
        for width in [84, 86, 100, 120] {
            let shown = table.in_width(width);
            fits(&shown, width.into());
            let rows = shown.lines().filter(|line| line.contains(ONE) && line.contains(OTHER)).count();
            assert!(rows == 2 && shown.lines().count() > 3, "{width}:\n{shown}");
        }
    }

    #[test]
    fn without_room_for_columns_each_row_is_a_block() {
        let table =
            Table::of(["ID", "ORDER", "OWNER", "WHY"], &[[ONE, OTHER, "", "no room"], [OTHER, ONE, "ops", "no"]]);
        let block = |lines: [(&str, &str); 4]| {
            let lines = lines.iter().filter(|(_, value)| !value.is_empty());
            lines.map(|(name, value)| format!("{name:<5}  {value}")).collect::<Vec<_>>().join("\n")
        };
        let first = block([("ID", ONE), ("ORDER", OTHER), ("OWNER", ""), ("WHY", "no room")]);
        let second = block([("ID", OTHER), ("ORDER", ONE), ("OWNER", "ops"), ("WHY", "no")]);
        // On the narrowest an id is wider than the terminal, and whole all the same.
        for width in [80, 44, 20] {
            let shown = table.in_width(width);
            assert!(shown.contains(ONE) && shown.contains(OTHER), "{width}:\n{shown}");
            assert!(width == 20 || shown == format!("{first}\n\n{second}"), "{width}:\n{shown}");
        }
    }

    #[test]
    fn what_is_below_a_row_stays_with_it() {
        let sentences = ["the first was held back", "the second was not"].map(str::to_owned);
        let table =
            Table::of(["ORDER", "AT"], &[[ONE, "order-service"], [OTHER, "delivery-service"]]).with_below(sentences);
        let wide = format!(
            "ORDER                                 AT\n{ONE}  order-service\n    the first was held back\n{OTHER}  delivery-service\n    the second was not"
        );
        assert_eq!(table.in_width(54), wide);
        let narrow = format!(
            "ORDER  {ONE}\nAT     order-service\n    the first was held back\n\nORDER  {OTHER}\nAT     delivery-service\n    the second was not"
        );
        assert_eq!(table.in_width(53), narrow);
        assert!(table.in_width(26).contains("\n    the first was held\n    back\n"), "{}", table.in_width(26));
    }

    #[test]
    fn nothing_is_a_sentence_of_its_own() {
        let nothing: [[&str; 1]; 0] = [];
        assert_eq!(Table::of(["ID"], &nothing).or("Nothing waits.").to_string(), "Nothing waits.");
        assert_eq!(Table::of(["ID"], &[["1"]]).or("Nothing waits.").to_string(), "ID\n1");
        assert_eq!(table(["ID"], &nothing), "ID");
    }
}
