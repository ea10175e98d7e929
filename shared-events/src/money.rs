//! Money in whole minor units (cents, yen, fils) of an ISO 4217 currency. Never a fraction, never a float.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An ISO 4217 currency that has a minor unit to count in. Written as its three letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is not the code of a currency that money can be counted in.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an ISO 4217 currency code")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// How many decimal digits the minor unit has: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217 calls it the exponent).
    #[must_use]
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }

    /// The three letters of ISO 4217.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Gold, testing codes and the like are in ISO 4217 but have no minor unit: nothing can be priced in them.
        iso_currency::Currency::from_code(text)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or_else(|| UnknownCurrency(text.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code" })
    }
}

/// An amount in the minor unit of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// Minor units: 1999 with EUR is 19.99 €.
    pub amount_minor: i64,
    /// What is counted.
    pub currency: Currency,
}

impl Money {
    /// So many minor units of a currency.
    #[must_use]
    pub fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.exponent());
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let scale = 10_u64.pow(u32::from(self.currency.exponent()));
        let (whole, rest) = (self.amount_minor.unsigned_abs() / scale, self.amount_minor.unsigned_abs() % scale);
        match digits {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            _ => write!(f, "{sign}{whole}.{rest:0digits$} {}", self.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    #[test]
    fn an_amount_is_shown_with_the_digits_of_its_currency() {
        assert_eq!(Money::new(1999, currency("EUR")).to_string(), "19.99 EUR");
        assert_eq!(Money::new(-5, currency("EUR")).to_string(), "-0.05 EUR");
        assert_eq!(Money::new(1999, currency("JPY")).to_string(), "1999 JPY");
        assert_eq!(Money::new(1999, currency("KWD")).to_string(), "1.999 KWD");
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for text in ["", "eur", "EURO", "E1R", "ZZZ", "XAU", "XXX"] {
            assert_eq!(text.parse::<Currency>(), Err(UnknownCurrency(text.to_owned())));
        }
    }
}
