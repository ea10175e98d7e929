//! Reads a query string parameter by parameter and names every invalid one at once, where serde would stop at the first.

use std::{ops::RangeInclusive, str::FromStr};

use axum::extract::{FromRequestParts, Query, rejection::QueryRejection};
use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::problem::Problem;

/// So many unknown names, and so many characters of each, are repeated in a refusal.
const SHOWN_NAMES: usize = 20;
const SHOWN_CHARS: usize = 64;

/// A query string that is being read. Each read takes one parameter; what is left when it is finished was unknown.
///
/// What is wrong is noted, and [`Parameters::finish`] then refuses the whole.
#[derive(Debug)]
pub struct Parameters {
    given: Vec<(String, String)>,
    errors: Vec<ParameterError>,
}

#[derive(Debug, Serialize)]
struct ParameterError {
    parameter: String,
    detail: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        let unreadable =
            |error: QueryRejection| Problem::new(StatusCode::BAD_REQUEST, "invalid_query", error.body_text());
        query.map(|Query(given)| Self::of(given)).map_err(unreadable)
    }
}

impl Parameters {
    /// These parameters, as they were given.
    #[must_use]
    pub fn of(given: Vec<(String, String)>) -> Self {
        Self { given, errors: Vec::new() }
    }

    /// Something that has to be there. `what` says what it should be: "a whole number". None where it was refused.
    pub fn required<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        if self.given.iter().any(|(given, _)| given == name) {
            return self.optional(name, what);
        }
        self.refuse(name, "is missing");
        None
    }

    /// The same, where it may be absent.
    pub fn optional<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let text = self.only(name)?;
        if let Ok(value) = text.parse() {
            return Some(value);
        }
        self.refuse(name, format!("has to be {what}"));
        None
    }

    /// One or several of a kind, separated by commas, each once. None of them where the parameter is absent, or was refused.
    pub fn several<T: FromStr + PartialEq>(&mut self, name: &str, kind: &str) -> Vec<T> {
        let mut several = Vec::new();
        for text in self.only(name).iter().flat_map(|list| list.split(',')) {
            match text.parse() {
                Ok(one) if several.contains(&one) => {}
                Ok(one) => several.push(one),
                Err(_) => {
                    self.refuse(name, format!("has to be one or several of {kind}, separated by commas"));
                    return Vec::new();
                }
            }
        }
        several
    }

    /// A whole number in a range that has to be there.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        self.required::<i64>(name, &what).and_then(|number| self.within(name, number, &range, &what))
    }

    /// The same, where it may be absent.
    pub fn optional_integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        self.optional::<i64>(name, &what).and_then(|number| self.within(name, number, &range, &what))
    }

    /// A text of so many characters that has to be there, none of them a control character, not only white space.
    pub fn text(&mut self, name: &str, chars: RangeInclusive<usize>) -> Option<String> {
        let text: String = self.required(name, "a text")?;
        self.plain(name, text, &chars)
    }

    /// The same, where it may be absent.
    pub fn optional_text(&mut self, name: &str, chars: RangeInclusive<usize>) -> Option<String> {
        let text: String = self.optional(name, "a text")?;
        self.plain(name, text, &chars)
    }

    /// Refuses a parameter by a rule of the caller's own.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(ParameterError { parameter: name.to_owned(), detail: detail.into() });
    }

    /// Refuses the whole if any parameter was refused, or is left over.
    ///
    /// # Errors
    /// One problem that names every one of them.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.given).into_iter().take(SHOWN_NAMES) {
            let shown: String = name.chars().filter(|char| !char.is_control()).take(SHOWN_CHARS).collect();
            self.refuse(&shown, "is not a parameter of this request");
        }
        if self.errors.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = self.errors.iter().map(|error| format!("{} {}", error.parameter, error.detail)).collect();
        let detail = format!("{} invalid parameter(s): {}.", self.errors.len(), named.join("; "));
        Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail).with("errors", &self.errors))
    }

    /// The text of a parameter that is given, and given once.
    fn only(&mut self, name: &str) -> Option<String> {
        let mut texts: Vec<_> = self.given.extract_if(.., |(given, _)| given == name).map(|(_, text)| text).collect();
        if texts.len() > 1 {
            self.refuse(name, "is given more than once");
            return None;
        }
        texts.pop()
    }

    fn plain(&mut self, name: &str, text: String, chars: &RangeInclusive<usize>) -> Option<String> {
        let is_plain = chars.contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if is_plain && !text.trim().is_empty() {
            return Some(text);
        }
        let (least, most) = (chars.start(), chars.end());
        self.refuse(name, format!("has to be {least} to {most} characters, none of them a control character"));
        None
    }

    fn within(&mut self, name: &str, number: i64, range: &RangeInclusive<i64>, what: &str) -> Option<i64> {
        if range.contains(&number) {
            return Some(number);
        }
        self.refuse(name, format!("has to be {what}"));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parameters(given: &[(&str, &str)]) -> Parameters {
        Parameters::of(given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let mut given = parameters(&[("a", "x"), ("b", "9"), ("c", " "), ("d", "1"), ("d", "1"), ("colour", "red")]);
        assert_eq!(given.integer("a", 1..=5), None);
        assert_eq!(given.optional_integer("b", 1..=5), None);
        assert_eq!(given.text("c", 1..=5), None);
        assert_eq!(given.integer("d", 1..=5), None);
        assert_eq!(given.required::<String>("e", "a text"), None);
        let problem = given.finish().expect_err("there are errors");
        assert_eq!((problem.status(), problem.code()), (StatusCode::BAD_REQUEST, "invalid_query"));
        let document: Value = serde_json::from_slice(&problem.to_json()).expect("JSON");
        let errors = document["errors"].as_array().expect("a list");
        let named: Vec<_> = errors.iter().map(|error| error["parameter"].clone()).collect();
        assert_eq!(named, ["a", "b", "c", "d", "e", "colour"].map(Value::from));
    }

    #[test]
    fn a_list_is_read_whole_or_refused() {
        let several = |text| {
            let mut given = parameters(&[("sizes", text)]);
            (given.several::<u8>("sizes", "1, 2 and 3"), given.finish().is_ok())
        };
        assert_eq!(several("1"), (vec![1], true));
        assert_eq!(several("3,1,3"), (vec![3, 1], true));
        for bad in ["", ",", "1,", "1,x", "1 ,2", "1;2"] {
            assert_eq!(several(bad), (vec![], false), "{bad}");
        }
        assert!(parameters(&[]).several::<u8>("sizes", "1, 2 and 3").is_empty());
    }

    #[test]
    fn parameters_without_errors_are_accepted() {
        let mut given = parameters(&[("name", "Zoë"), ("weight_g", "5")]);
        assert_eq!(given.text("name", 1..=3).as_deref(), Some("Zoë"));
        assert_eq!((given.integer("weight_g", 1..=5), given.optional_integer("limit", 1..=5)), (Some(5), None));
        assert_eq!(given.finish(), Ok(()));
    }
}
