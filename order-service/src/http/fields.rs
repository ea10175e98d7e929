//! Texts with a shape of their own.

use std::str::FromStr;

use chrono::NaiveDate;

/// A day written YYYY-MM-DD. Years have four digits here: PostgreSQL and chrono do not end at the same one.
pub(super) struct Day(pub(super) NaiveDate);

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const DAY: &str = "a day as YYYY-MM-DD";
        let (digits, dashes) = ([0, 1, 2, 3, 5, 6, 8, 9], [4, 7]);
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && digits.iter().all(|at| bytes[*at].is_ascii_digit())
            && dashes.iter().all(|at| bytes[*at] == b'-');
        if shaped { text.parse().map(Day).map_err(|_| DAY) } else { Err(DAY) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_four_digits_for_the_year() {
        assert!("2026-12-01".parse::<Day>().is_ok());
        for bad in
            ["", "2026-13-01", "2026-02-30", "+262000-01-01", "-0001-01-01", "26-12-1", "2026/12/01", "２026-12-1"]
        {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }
}
