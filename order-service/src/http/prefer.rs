//! `Prefer: wait=N` (RFC 7240): the caller would rather wait up to N seconds for the outcome than ask again.

use std::time::Duration;

use axum::extract::FromRequestParts;
use chassis::http::Problem;
use http::{HeaderValue, StatusCode, request::Parts};

/// The longest that anybody may wait.
const LONGEST_S: u64 = 30;

/// How long the caller would wait, if they would. Other preferences are nothing to us, and ignored as the RFC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefer {
    pub(super) wait: Option<Duration>,
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        preferred(parts.headers.get_all("prefer")).ok_or_else(|| {
            let detail = format!("Prefer: wait=N takes whole seconds from 0 to {LONGEST_S}, once.");
            Problem::new(StatusCode::BAD_REQUEST, "invalid_preference", detail)
        })
    }
}

/// Nothing where a wait cannot be understood, or is asked for twice: the caller would wait for what does not come.
fn preferred<'a>(headers: impl IntoIterator<Item = &'a HeaderValue>) -> Option<Prefer> {
    let mut wait = None;
    for header in headers {
        for preference in header.to_str().ok()?.split(',') {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            if name.trim().eq_ignore_ascii_case("wait") && wait.replace(seconds(value.trim())?).is_some() {
                return None;
            }
        }
    }
    Some(Prefer { wait })
}

fn seconds(text: &str) -> Option<Duration> {
    // `parse` would take a plus sign.
    let seconds: u64 = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    (seconds <= LONGEST_S).then_some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(preferences: &'static str) -> Option<Option<u64>> {
        let header = HeaderValue::from_static(preferences);
        preferred([&header]).map(|prefer| prefer.wait.map(|wait| wait.as_secs()))
    }

    #[test]
    fn a_short_wait_is_understood_and_what_else_is_preferred_ignored() {
        assert_eq!(of("wait=30"), Some(Some(30)));
        assert_eq!(of("respond-async, Wait = 5"), Some(Some(5)));
        for nothing_to_us in ["", "respond-async", "return=minimal", "waiting=3"] {
            assert_eq!(of(nothing_to_us), Some(None), "{nothing_to_us}");
        }
    }

    #[test]
    fn a_wait_that_would_not_be_kept_is_refused() {
        for refused in ["wait=31", "wait=-1", "wait=+1", "wait=", "wait", "wait=1.5", "wait=1, wait=2"] {
            assert_eq!(of(refused), None, "{refused}");
        }
    }
}
