//! Texts with a shape of their own, the same on both sides.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;

/// A name that the shop gives: a sku, a customer, a zone, a courier. ASCII, so that it is the same in addresses, logs and indexes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(pub String);

impl Name {
    /// What it should be, as a sentence goes on after "has to be".
    pub const SHAPE: &'static str = "1 to 64 letters, digits, dots, dashes or underscores";
}

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Name(text.to_owned()))
        } else {
            Err(Self::SHAPE)
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An ISO 3166-1 alpha-2 code, as far as its shape goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Country(pub String);

impl Country {
    /// What it should be, as a sentence goes on after "has to be".
    pub const SHAPE: &'static str = "two capital letters, as in ISO 3166-1";
}

impl FromStr for Country {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if fits { Ok(Country(text.to_owned())) } else { Err(Self::SHAPE) }
    }
}

/// The names of all of a kind, as a sentence lists them.
#[must_use]
pub fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ")
}

/// A day written YYYY-MM-DD. Years have four digits here: PostgreSQL and chrono do not end at the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

impl Day {
    /// What it should be, as a sentence goes on after "has to be".
    pub const SHAPE: &'static str = "a day as YYYY-MM-DD";
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, dashes) = ([0, 1, 2, 3, 5, 6, 8, 9], [4, 7]);
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && digits.iter().all(|at| bytes[*at].is_ascii_digit())
            && dashes.iter().all(|at| bytes[*at] == b'-');
        if shaped { text.parse().map(Day).map_err(|_| Self::SHAPE) } else { Err(Self::SHAPE) }
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

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "LAMP-1.b_2", &"x".repeat(64)] {
            assert_eq!(good.parse::<Name>(), Ok(Name(good.to_owned())));
        }
        for bad in ["", " a", "ä", "a/b", "a\0", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Name>(), Err(Name::SHAPE));
        }
    }
}
