//! The commands with which an operator asks a service to do something. The service decides by its own rules, and writes down who asked.

mod actions;
mod parked;
mod pauses;
mod replays;
mod republications;

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Url;
use sagactl::services::{Services, Side};
use serde_json::Value;

use crate::args::{At, Desk, Operate};
use crate::ending::Ending;
use crate::say::{self, Page};

/// Runs the command.
pub async fn run(asked: &Operate) -> Result<Ending> {
    match asked {
        Operate::Parked(args) => parked::run(args).await,
        Operate::Replay(args) => replays::run(args).await,
        Operate::Pause(args) => pauses::run(args).await,
        Operate::Republish(args) => republications::run(args).await,
        Operate::Actions(args) => actions::run(args).await,
    }
}

/// The longest page that a service gives.
const PAGE: usize = 100;
/// How often it is looked how far something has come.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Where answers are shown.
struct Counter {
    services: Services,
    page: Page,
    json: bool,
}

impl Counter {
    fn of(desk: &Desk) -> Result<Self> {
        let services = Services::at(desk.reach.addresses(), desk.reach.credentials.bearer()?)?;
        Ok(Self { services, page: Page::new(), json: desk.json })
    }

    /// Does this at the service that is named, or at both. What one of them does not tell is said, and the rest is shown.
    async fn at_each(&self, at: Option<At>, look: impl AsyncFn(Side) -> Result<()>) -> Ending {
        let mut ending = Ending::Well;
        for side in at.map_or(Side::BOTH.to_vec(), |at| vec![at.into()]) {
            if let Err(why) = look(side).await {
                say::error(&why);
                ending = Ending::CouldNotLook;
            }
        }
        ending
    }

    async fn read(&self, side: Side, path: &str) -> Result<Value> {
        self.services.read(side, path).await?.with_context(|| format!("{side} has no such thing: {path}"))
    }

    /// The entries of a list, page after page, up to so many.
    async fn list(&self, side: Side, path: &str, most: usize) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        let separator = if path.contains('?') { '&' } else { '?' };
        while items.len() < most {
            let limit = PAGE.min(most - items.len());
            let mut page = self.read(side, &format!("{path}{separator}limit={limit}{cursor}")).await?;
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        Ok(items)
    }

    /// Shows an answer: as it is, or as text.
    fn show<T: Display>(&self, side: Side, answer: &Value, text: impl FnOnce(&Value) -> T) -> Result<()> {
        if self.json {
            return self
                .page
                .line(serde_json::to_string_pretty(&serde_json::json!({ "service": side, "answer": answer }))?);
        }
        self.page.line(text(answer).to_string().trim_end())
    }

    fn heading(&self, side: Side, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.page.heading(&format!("{side}: {text}")) }
    }
}

/// A path with what is asked for behind it, whatever stands in that.
fn asking(path: &str, asked: &[(&str, String)]) -> Result<String> {
    let url = Url::parse_with_params(&format!("http://service{path}"), asked)?;
    Ok(format!("{path}?{}", url.query().unwrap_or_default()))
}

/// The service as `--at` names it.
fn at(side: Side) -> &'static str {
    match side {
        Side::OrderService => "orders",
        Side::DeliveryService => "deliveries",
    }
}

/// A row for each entry of a list.
fn rows<const N: usize>(list: &Value, row: impl Fn(&Value) -> [String; N]) -> Vec<[String; N]> {
    list.as_array().map(|entries| entries.iter().map(row).collect()).unwrap_or_default()
}

/// A member of an answer as people read it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A moment without what nobody reads.
fn moment(value: &Value) -> String {
    value.as_str().map_or_else(
        || "–".to_owned(),
        |text| text.split('.').next().unwrap_or(text).replace('T', " ").replace('Z', ""),
    )
}

/// No more of a text than fits beside others.
fn short(value: &Value, chars: usize) -> String {
    let text = cell(value).replace('\n', " ");
    if text.chars().count() <= chars { text } else { text.chars().take(chars - 1).chain(['…']).collect() }
}

/// Lists with these ids are read: each of them can be copied, and no line is wider than the terminal.
#[cfg(test)]
fn is_whole_in_any_width(list: impl Fn(&[&str]) -> sagactl::table::Table) {
    let ids = ["01a20a66-e190-7167-9365-adb16eb5ec63", "01a20a66-e0a3-7569-8846-744eb125e4e9"];
    for width in [80, 120, 200] {
        let shown = list(&ids).in_width(width);
        assert!(ids.iter().all(|id| shown.contains(id)), "{width}:\n{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{shown}");
    }
}
