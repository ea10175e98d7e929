//! Refusals as RFC 9457 problem documents.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use crate::failure::is_transient;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How long a client should wait before it tries again, in seconds, where a refusal is about now and says nothing else: a queue of
/// ours is empty again within a second.
pub(super) const RETRY_AFTER_S: u32 = 1;
/// The same where the database does not answer: as long as a unit of work waits for a connection before it gives up.
const DATABASE_RETRY_AFTER_S: u32 = 2;

/// What HTTP tells the caller when the answer is no.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Map<String, Value>,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A refusal. `code` is its stable name in `snake_case`; `detail` is a sentence for people about this very case.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), members: Map::new(), retry_after_s: None }
    }

    /// Adds a member of its own (RFC 9457 §3.2), for programs to read.
    ///
    /// # Panics
    /// When the value has no JSON form (a map with keys that are no strings): a mistake in the program.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a problem's member has a JSON form");
        self.members.insert(name.to_owned(), value);
        self
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// Cannot be done now, may well be done in a moment. Nothing was changed.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER_S)
    }

    /// The database does not answer. Nothing was changed.
    #[must_use]
    pub fn database_unavailable() -> Self {
        let detail = "The database does not answer; nothing was changed.";
        Self::unavailable("database_unavailable", detail).retry_after(DATABASE_RETRY_AFTER_S)
    }

    /// Tells the caller in how many seconds it makes sense to ask again (`Retry-After`).
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// A defect of ours. What it was stands in the log, not in the answer.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side; it has been logged.",
        )
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// In how many seconds it makes sense to ask again, if it does.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut document = self.members.clone();
        document.insert("type".into(), format!("urn:problem:{}", self.code).into());
        document.insert("title".into(), self.code.replace('_', " ").into());
        document.insert("status".into(), self.status.as_u16().into());
        document.insert("detail".into(), self.detail.clone().into());
        document.insert("code".into(), self.code.into());
        Value::Object(document).to_string().into_bytes()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Answer::from(self).into_response()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) {
            tracing::warn!(error = %error, "the database did not answer a request: {error}");
            Problem::database_unavailable()
        } else {
            tracing::error!(error = %error, "a query failed for good: {error}");
            Problem::internal()
        }
    }
}
