//! `/deliveries`.

use axum::extract::State;
use chassis::Api;
use chassis::access::Principal;
use chassis::http::{Answer, Caller, Day, Form, Page, Parameters, Path, Period, Problem, names};
use chrono::NaiveDate;
use http::StatusCode;
use serde_json::{Value, json};
use shared_events::{DeliveryId, Proof};

use super::views::DeliveryView;
use crate::domain::{Attention, Command, FailureReason, MOST_ATTEMPTS, Status};
use crate::requests::Request;
use crate::store::{self, Filter};

pub(super) async fn list(
    State(api): State<Api<Request>>,
    principal: Principal,
    mut asked: Parameters,
) -> Result<Answer, Problem> {
    let filter = Filter { courier: principal.narrowed_to().map(ToString::to_string), ..read_filter(&mut asked) };
    let page = Page::<DeliveryId>::read(&mut asked);
    asked.finish()?;
    let found = store::page_of_deliveries(&api.pool, &filter, page.after, page.rows()).await?;
    let views = found.iter().map(|(delivery, transitions)| DeliveryView::of(delivery, transitions)).collect();
    Ok(page.answer(views, |view: &DeliveryView<'_>| view.id))
}

fn read_filter(asked: &mut Parameters) -> Filter {
    let causes = format!("true, false, {}", names(&Attention::ALL, Attention::name));
    let period = Period::read(asked);
    Filter {
        courier: None,
        order: asked.optional("order_id", "the id of an order"),
        statuses: asked.several("status", &names(&Status::ALL, Status::name)),
        from: period.from.map(DeliveryId::earliest_at),
        until: period.until.map(DeliveryId::earliest_at),
        attention: asked.optional("attention", &format!("one of {causes}")),
    }
}

pub(super) async fn show(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    principal: Principal,
) -> Result<Answer, Problem> {
    let found = store::find_delivery(&api.pool, id, principal.narrowed_to().map(AsRef::as_ref)).await?;
    let (delivery, transitions) = found.ok_or_else(|| Problem::not_found("delivery"))?;
    Ok(Answer::json(StatusCode::OK, &DeliveryView::of(&delivery, &transitions)))
}

pub(super) async fn assign_courier(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let courier = read_assignment(form)?;
    let body = json!({ "courier_id": courier });
    deliver(&api, id, Command::AssignCourier { courier }, caller, body).await
}

pub(super) async fn dispatch(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    form.finish()?;
    deliver(&api, id, Command::Dispatch, caller, json!({})).await
}

pub(super) async fn attempt(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let (number, note, date) = read_attempt(form)?;
    let body = json!({ "number": number, "note": note, "date": date });
    deliver(&api, id, Command::Attempt { number, note, date }, caller, body).await
}

pub(super) async fn complete(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let proof = read_proof(form)?;
    let body = json!(proof);
    deliver(&api, id, Command::Complete { proof }, caller, body).await
}

pub(super) async fn fail(
    State(api): State<Api<Request>>,
    Path(id): Path<DeliveryId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let reason = read_failure(form)?;
    deliver(&api, id, Command::Fail { reason }, caller, json!({ "reason": reason.name() })).await
}

pub(super) fn read_assignment(mut form: Form) -> Result<String, Problem> {
    let courier = form.text("courier_id", 1..=64);
    form.finish()?;
    Ok(courier)
}

/// Which attempt it was, what is to be said of it, and the day that the recipient wishes.
pub(super) type Attempted = (u32, Option<String>, Option<NaiveDate>);

pub(super) fn read_attempt(mut form: Form) -> Result<Attempted, Problem> {
    let number = form.integer("number", 1..=MOST_ATTEMPTS);
    let note = form.optional_text("note", 1..=200);
    let date = form.optional_parsed::<Day>("date", Day::SHAPE).map(|day| day.0);
    form.finish()?;
    Ok((u32::try_from(number).map_err(|_| Problem::internal())?, note, date))
}

pub(super) fn read_proof(mut form: Form) -> Result<Proof, Problem> {
    let proof =
        Proof { received_by: form.text("received_by", 1..=100), reference: form.optional_text("reference", 1..=200) };
    form.finish()?;
    Ok(proof)
}

pub(super) fn read_failure(mut form: Form) -> Result<FailureReason, Problem> {
    let reasons = FailureReason::ALL.map(FailureReason::name).join(", ");
    let reason: Option<FailureReason> = form.parsed("reason", &format!("one of {reasons}"));
    form.finish()?;
    reason.ok_or_else(Problem::internal)
}

/// `body` is what was understood of the request: under an `Idempotency-Key` another one is refused.
async fn deliver(
    api: &Api<Request>,
    id: DeliveryId,
    command: Command,
    caller: Caller,
    body: Value,
) -> Result<Answer, Problem> {
    let courier = caller.principal.narrowed_to().cloned();
    api.committer.submit(Request::Deliver { id, command, courier }, caller, &body).await
}
