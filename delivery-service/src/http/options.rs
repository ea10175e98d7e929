//! `/delivery-options`: where and when there would be room.

use axum::extract::State;
use chassis::http::{Answer, Country, Parameters, Problem};
use chassis::{Api, clock};
use http::StatusCode;

use super::views::OptionsView;
use crate::domain::{DAYS_ON_OFFER, Destination};
use crate::requests::Request;
use crate::store;

const DEFAULT_LIMIT: usize = 5;

/// A question about a place that nobody serves is a good question: the answer is the reason, not a refusal.
pub(super) async fn show(State(api): State<Api<Request>>, mut asked: Parameters) -> Result<Answer, Problem> {
    let postal_code = asked.text("postal_code", 1..=16);
    let country = asked.required::<Country>("country", Country::SHAPE);
    let weight_g = asked.integer("weight_g", 1..=1_000_000_000);
    let limit = asked.optional_integer("limit", 1..=i64::try_from(DAYS_ON_OFFER).unwrap_or(i64::MAX));
    asked.finish()?;
    let (Some(postal_code), Some(country), Some(weight_g)) = (postal_code, country, weight_g) else {
        return Err(Problem::internal());
    };
    let to = Destination { country: &country.0, postal_code: &postal_code };
    let today = clock::now().date_naive();
    let plan = store::find_plan(&api.pool, to, today).await?;
    let most = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT);
    let options = plan.options(to, weight_g, today, most);
    let zone = plan.zone_of(to).ok().map(|zone| zone.id.as_str());
    Ok(Answer::json(StatusCode::OK, &OptionsView::of(zone, options)))
}
