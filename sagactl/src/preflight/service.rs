//! A service as anybody sees it: whether it is ready, and what time it is there.

use anyhow::{Context, Result};
use chassis::clock;
use chassis::preflight::{Check, Severity, clock_skew};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Response;
use reqwest::header::DATE;

use super::ANSWER_WITHIN;

pub(super) async fn look(name: &str, url: &str) -> Result<Vec<Check>> {
    let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
    let before = clock::now();
    let answer = http.get(format!("{}/health/ready", url.trim_end_matches('/'))).send().await;
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    let (after, status) = (clock::now(), answer.status());
    let ready = Check {
        name: "ready".to_owned(),
        found: format!("/health/ready answers {}", status.as_u16()),
        wanted: "200: it takes requests, reads and announces",
        severity: if status.is_success() { Severity::Fine } else { Severity::Refusal },
    };
    let said = date(&answer).with_context(|| format!("{url} does not say what time it is"))?;
    // The header has whole seconds: it was that second, at any moment of it.
    Ok(vec![ready, clock_skew(name, before - TimeDelta::seconds(1), said, after)])
}

fn date(answer: &Response) -> Option<DateTime<Utc>> {
    let text = answer.headers().get(DATE)?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}
