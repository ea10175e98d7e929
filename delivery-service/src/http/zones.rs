//! `/zones`.

use std::collections::BTreeSet;

use axum::extract::State;
use chassis::Api;
use chassis::http::{Answer, Caller, Country, Form, Name, Page, Parameters, Path, Problem};
use http::StatusCode;

use super::views::ZoneView;
use super::{check_name, existing_name};
use crate::domain::{PREFIX_MAX_CHARS, Zone, normal_postal_code};
use crate::requests::Request;
use crate::store;

pub(super) async fn list(State(api): State<Api<Request>>, mut asked: Parameters) -> Result<Answer, Problem> {
    let country = asked.optional::<Country>("country", Country::SHAPE);
    let page = Page::<Name>::read(&mut asked);
    asked.finish()?;
    let after = page.after.as_ref().map_or("", |name| name.0.as_str());
    let country = country.as_ref().map(|country| country.0.as_str());
    let zones = store::page_of_zones(&api.pool, country, after, page.rows()).await?;
    Ok(page.answer(zones.iter().map(ZoneView::of).collect(), |view: &ZoneView<'_>| Name(view.id.to_owned())))
}

pub(super) async fn show(State(api): State<Api<Request>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = store::find_zone(&api.pool, &existing_name(&id, "zone")?.0).await?;
    Ok(Answer::json(StatusCode::OK, &ZoneView::of(&found.ok_or_else(|| Problem::not_found("zone"))?)))
}

pub(super) async fn put(
    State(api): State<Api<Request>>,
    Path(id): Path<String>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let zone = read_zone(id, form)?;
    let body = serde_json::json!(ZoneView::of(&zone));
    api.committer.submit(Request::PutZone(zone), caller, &body).await
}

pub(super) fn read_zone(id: String, mut form: Form) -> Result<Zone, Problem> {
    check_name(&mut form, &id);
    let zone = Zone {
        id,
        country: form.parsed::<Country>("country", Country::SHAPE).map_or_else(String::new, |country| country.0),
        prefixes: prefixes(&mut form),
        capacity_per_day: form.integer("capacity_per_day", 0..=1_000_000),
        weight_limit_g: form.integer("weight_limit_g", 1..=1_000_000_000),
    };
    form.finish()?;
    Ok(zone)
}

/// As they are compared, each once.
fn prefixes(form: &mut Form) -> Vec<String> {
    let mut prefixes = BTreeSet::new();
    let texts = form.texts("prefixes", 1..=200, 1..=20).into_iter().enumerate();
    // An empty one has been refused already.
    for (index, text) in texts.filter(|(_, text)| !text.is_empty()) {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'));
        let prefix = normal_postal_code(&text);
        if is_plain && (1..=PREFIX_MAX_CHARS).contains(&prefix.len()) {
            prefixes.insert(prefix);
        } else {
            let detail = format!("has to have 1 to {PREFIX_MAX_CHARS} letters or digits, else only blanks and hyphens");
            form.refuse(&format!("prefixes/{index}"), detail);
        }
    }
    prefixes.into_iter().collect()
}
