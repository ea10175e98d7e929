//! Reads a JSON body field by field and names every invalid field at once, where serde would stop at the first.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{body, problem::Problem};

/// A JSON object that is being read. Each read takes one field; what is left when it is finished was unknown.
///
/// A field that is wrong is noted and replaced by a harmless placeholder; [`Form::finish`] then refuses the whole.
#[derive(Debug)]
pub struct Form {
    fields: Map<String, Value>,
    path: String,
    errors: Vec<FieldError>,
}

#[derive(Debug, Serialize)]
struct FieldError {
    /// JSON Pointer (RFC 6901) to the field.
    field: String,
    detail: String,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|media| media.trim().eq_ignore_ascii_case("application/json"));
        let is_plain = is_plain(request.headers());
        let bytes = body::read(request.into_body()).await?;
        if !is_plain {
            let detail = "The body has to come as it is: no Content-Encoding is understood.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding", detail));
        }
        if bytes.is_empty() {
            // Some requests have nothing to say; the others will miss their fields.
            return Ok(Form::of(Map::new()));
        }
        if is_json != Some(true) {
            let detail = "The body has to be application/json.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Form::of(fields)),
            Ok(_) => Err(malformed("The body has to be a JSON object.".to_owned())),
            Err(error) => Err(malformed(format!("The body is not JSON: {error}."))),
        }
    }
}

/// Nothing was done to the body that would have to be undone.
fn is_plain(headers: &HeaderMap) -> bool {
    let codings =
        headers.get_all(header::CONTENT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    codings.map(<[u8]>::trim_ascii).all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

impl Form {
    /// A form over these fields.
    #[must_use]
    pub fn of(fields: Map<String, Value>) -> Self {
        Self { fields, path: String::new(), errors: Vec::new() }
    }

    /// Whether there is such a field, and it is not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text of so many characters, none of them a control character, not only white space.
    pub fn text(&mut self, name: &str, chars: RangeInclusive<usize>) -> String {
        match self.optional_text(name, chars) {
            Some(text) => text,
            None => {
                self.refuse_if_silent(name);
                String::new()
            }
        }
    }

    /// The same, where it may be absent or null.
    pub fn optional_text(&mut self, name: &str, chars: RangeInclusive<usize>) -> Option<String> {
        let text = self.take_string(name)?;
        match judge_text(&text, &chars) {
            None => Some(text),
            Some(detail) => self.refuse_value(name, detail),
        }
    }

    /// A whole number in a range.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> i64 {
        let fallback = *range.start();
        match self.optional_integer(name, range) {
            Some(number) => number,
            None => {
                self.refuse_if_silent(name);
                fallback
            }
        }
    }

    /// The same, where it may be absent or null.
    pub fn optional_integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(name)?;
        match value.as_i64().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let detail = format!("has to be a whole number from {} to {}", range.start(), range.end());
                self.refuse_value(name, detail)
            }
        }
    }

    /// Something written as a text. `what` says what it should be: "an ISO 4217 currency code".
    pub fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let value = self.optional_parsed(name, what);
        if value.is_none() {
            self.refuse_if_silent(name);
        }
        value
    }

    /// The same, where it may be absent or null.
    pub fn optional_parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let text = self.take_string(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => self.refuse_value(name, format!("has to be {what}")),
        }
    }

    /// An object with fields of its own.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Form) -> T) -> Option<T> {
        match self.take(name) {
            Some(Value::Object(fields)) => Some(self.inside(fields, name, read)),
            Some(_) => self.refuse_value(name, "has to be an object"),
            None => self.refuse_value(name, "is missing"),
        }
    }

    /// A list of objects. An empty list stands for one that was refused.
    pub fn list<T>(&mut self, name: &str, len: RangeInclusive<usize>, mut read: impl FnMut(&mut Form) -> T) -> Vec<T> {
        let mut read_all = |form: &mut Form, index: usize, value: Value| match value {
            Value::Object(fields) => Some(form.inside(fields, &format!("{name}/{index}"), &mut read)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                form.refuse_value(&format!("{name}/{index}"), "has to be an object")
            }
        };
        let values = self.take_list(name, len);
        values.into_iter().enumerate().filter_map(|(index, value)| read_all(self, index, value)).collect()
    }

    /// A list of texts. An empty one stands for one that was refused, so that the others keep their places.
    pub fn texts(&mut self, name: &str, len: RangeInclusive<usize>, chars: RangeInclusive<usize>) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, value) in self.take_list(name, len).into_iter().enumerate() {
            let judged = match value {
                Value::String(text) => judge_text(&text, &chars).map_or(Ok(text), Err),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    Err("has to be a text".to_owned())
                }
            };
            let at = format!("{name}/{index}");
            texts.push(judged.unwrap_or_else(|detail| self.refuse_value(&at, detail).unwrap_or_default()));
        }
        texts
    }

    /// Refuses a field by a rule of the caller's own. An empty name means the object itself.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        let field = if name.is_empty() { self.path.clone() } else { format!("{}/{name}", self.path) };
        self.errors.push(FieldError { field, detail: detail.into() });
    }

    /// Refuses the whole if any field was refused, or is left over.
    ///
    /// # Errors
    /// One problem that names every field.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.refuse_leftovers();
        if self.errors.is_empty() {
            return Ok(());
        }
        let names: Vec<_> =
            self.errors.iter().take(20).map(|error| format!("{} {}", error.field, error.detail)).collect();
        let detail = format!("{} invalid field(s): {}.", self.errors.len(), names.join("; "));
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", detail).with("errors", &self.errors))
    }

    fn inside<T>(&mut self, fields: Map<String, Value>, name: &str, read: impl FnOnce(&mut Form) -> T) -> T {
        let mut inner = Form { fields, path: format!("{}/{name}", self.path), errors: Vec::new() };
        let value = read(&mut inner);
        inner.refuse_leftovers();
        self.errors.append(&mut inner.errors);
        value
    }

    fn refuse_leftovers(&mut self) {
        for name in std::mem::take(&mut self.fields).into_iter().map(|(name, _)| name) {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            // Within a JSON Pointer, these two mean something else.
            let shown = shown.replace('~', "~0").replace('/', "~1");
            self.refuse(&shown, "is not a field of this request");
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    fn take_string(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.refuse_value(name, "has to be a text")
            }
        }
    }

    fn take_list(&mut self, name: &str, len: RangeInclusive<usize>) -> Vec<Value> {
        match self.take(name) {
            Some(Value::Array(values)) if len.contains(&values.len()) => values,
            None => self.refuse_value(name, "is missing").unwrap_or_default(),
            Some(_) => {
                let detail = format!("has to be a list of {} to {} entries", len.start(), len.end());
                self.refuse_value(name, detail).unwrap_or_default()
            }
        }
    }

    fn refuse_value<T>(&mut self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.refuse(name, detail);
        None
    }

    /// Notes a missing field, unless reading it has just noted what is wrong with it.
    fn refuse_if_silent(&mut self, name: &str) {
        let field = format!("{}/{name}", self.path);
        if self.errors.last().is_none_or(|error| error.field != field) {
            self.refuse(name, "is missing");
        }
    }
}

fn judge_text(text: &str, chars: &RangeInclusive<usize>) -> Option<String> {
    if !chars.contains(&text.chars().count()) {
        return Some(format!("has to be {} to {} characters long", chars.start(), chars.end()));
    }
    if text.chars().any(char::is_control) {
        return Some("must not contain control characters".to_owned());
    }
    (*chars.start() > 0 && text.trim().is_empty()).then(|| "must not be blank".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(value: Value) -> Form {
        Form::of(value.as_object().expect("an object").clone())
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut form = form(json!({
            "name": "a\u{0}b", "count": 1e30, "when": 7, "o/d~d": true,
            "items": [{"sku": "x", "n": -1}, 3, {"more": 1}], "tags": ["ok", ""], "place": []
        }));
        form.text("name", 1..=10);
        form.text("missing", 1..=10);
        form.integer("count", 0..=10);
        form.parsed::<i32>("when", "a number in quotes");
        form.list("items", 1..=5, |item| (item.text("sku", 1..=3), item.integer("n", 0..=3)));
        form.texts("tags", 0..=5, 1..=3);
        form.object("place", |place| place.text("city", 1..=3));
        let problem = form.finish().expect_err("there are errors");
        let document: Value = serde_json::from_slice(&problem.to_json()).expect("JSON");
        let fields: Vec<_> =
            document["errors"].as_array().expect("a list").iter().map(|e| e["field"].clone()).collect();
        let expected = [
            "/name",
            "/missing",
            "/count",
            "/when",
            "/items/0/n",
            "/items/1",
            "/items/2/sku",
            "/items/2/n",
            "/items/2/more",
            "/tags/1",
            "/place",
            "/o~1d~0d",
        ];
        assert_eq!(fields, expected.map(Value::from));
    }

    #[test]
    fn a_form_without_errors_is_accepted() {
        let mut form = form(json!({"name": "Zoë", "note": null}));
        assert_eq!(form.text("name", 1..=3), "Zoë");
        assert_eq!(form.optional_text("note", 1..=3), None);
        assert_eq!(form.finish(), Ok(()));
    }
}
