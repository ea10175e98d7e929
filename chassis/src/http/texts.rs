//! Texts with a shape of their own, the same on both sides.

use std::{fmt, str::FromStr};

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

#[cfg(test)]
mod tests {
    use super::*;

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
