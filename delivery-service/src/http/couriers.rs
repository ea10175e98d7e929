//! `/couriers`.

use axum::extract::State;
use chassis::Api;
use chassis::http::{Answer, Caller, Form, Name, Page, Parameters, Path, Problem};
use http::StatusCode;

use super::views::CourierView;
use super::{check_name, existing_name};
use crate::requests::Request;
use crate::store;

pub(super) async fn list(State(api): State<Api<Request>>, mut asked: Parameters) -> Result<Answer, Problem> {
    let has_room = asked.optional("has_room", "true or false");
    let page = Page::<Name>::read(&mut asked);
    asked.finish()?;
    let after = page.after.as_ref().map_or("", |name| name.0.as_str());
    let couriers = store::page_of_couriers(&api.pool, has_room, after, page.rows()).await?;
    Ok(page.answer(couriers.iter().map(CourierView::of).collect(), |view: &CourierView<'_>| Name(view.id.to_owned())))
}

pub(super) async fn show(State(api): State<Api<Request>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = store::find_courier(&api.pool, &existing_name(&id, "courier")?.0).await?;
    Ok(Answer::json(StatusCode::OK, &CourierView::of(&found.ok_or_else(|| Problem::not_found("courier"))?)))
}

pub(super) async fn put(
    State(api): State<Api<Request>>,
    Path(id): Path<String>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let (name, capacity) = read_courier(&id, form)?;
    let body = serde_json::json!({ "name": name, "capacity": capacity });
    api.committer.submit(Request::PutCourier { id, name, capacity }, caller, &body).await
}

pub(super) fn read_courier(id: &str, mut form: Form) -> Result<(String, i64), Problem> {
    check_name(&mut form, id);
    let name = form.text("name", 1..=100);
    let capacity = form.integer("capacity", 0..=1_000_000);
    form.finish()?;
    Ok((name, capacity))
}
