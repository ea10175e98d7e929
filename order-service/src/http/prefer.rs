//! `Prefer: wait=N` (RFC 7240): the caller would rather wait up to N seconds for the outcome than ask again.

use std::time::Duration;

use axum::extract::FromRequestParts;
use chassis::http::Problem;
use http::{StatusCode, request::Parts};

/// The longest that anybody may wait.
const LONGEST_S: u64 = 30;

/// How long the caller would wait, if they would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefer {
    pub(super) wait: Option<Duration>,
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut preferences = parts.headers.get_all("prefer").iter();
        match (preferences.next(), preferences.next()) {
            (None, _) => Ok(Prefer { wait: None }),
            (Some(preference), None) => preference.to_str().ok().and_then(wait).ok_or_else(unknown),
            (Some(_), Some(_)) => Err(unknown()),
        }
    }
}

fn unknown() -> Problem {
    let detail = format!("The only preference known here is wait=N, N being whole seconds from 0 to {LONGEST_S}.");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_preference", detail)
}

fn wait(preference: &str) -> Option<Prefer> {
    let seconds = preference.trim().strip_prefix("wait=")?;
    // `parse` would take a plus sign.
    let seconds: u64 = seconds.bytes().all(|byte| byte.is_ascii_digit()).then(|| seconds.parse().ok()).flatten()?;
    (seconds <= LONGEST_S).then_some(Prefer { wait: Some(Duration::from_secs(seconds)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_wait_is_a_preference() {
        assert_eq!(wait("wait=30"), Some(Prefer { wait: Some(Duration::from_secs(30)) }));
        for other in ["wait=31", "wait=-1", "wait=+1", "wait=", "wait", "wait=1.5", "respond-async", "wait=1, wait=2"] {
            assert_eq!(wait(other), None, "{other}");
        }
    }
}
