//! Columns of text.

/// The rows below their headings, each column as wide as what is in it. The last one is left ragged.
#[must_use]
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    [line(headings)].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn each_column_is_as_wide_as_what_is_in_it() {
        let rows =
            [["1".to_owned(), "zwölf".to_owned(), "x".to_owned()], ["100".to_owned(), String::new(), String::new()]];
        assert_eq!(table(["N", "WHAT", "WHY"], &rows), "N    WHAT   WHY\n1    zwölf  x\n100");
    }
}
