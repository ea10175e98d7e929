//! Orders: placed, shown, listed, cancelled.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chassis::{
    access::Principal,
    http::{Answer, Caller, Country, Day, Form, Name, Page, Parameters, Path, Period, Problem, names},
};
use http::StatusCode;
use shared_events::{Address, Currency, OrderId};

use super::{Shop, prefer::Prefer, view::OrderView};
use crate::{
    domain::{Attention, CancelledBy, PlaceOrder, Status, Wanted},
    requests::Request,
    store::{self, Filter},
};

const MOST_ITEMS: usize = 100;
const LARGEST_QUANTITY: u32 = 10_000;

/// `POST /orders`
pub(super) async fn place(
    State(shop): State<Arc<Shop>>,
    caller: Caller,
    prefer: Prefer,
    form: Form,
) -> Result<Response, Problem> {
    let order = Arc::new(read_order(form)?);
    if caller.principal.narrowed_to().is_some_and(|own| **own != order.customer_id) {
        let detail = format!("A customer orders for themselves: customer_id has to be {}.", caller.principal.subject);
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    let request = match shop.admission.admit() {
        Ok(()) => Request::Place(Arc::clone(&order)),
        // It may have been placed already, under this key: then it has its answer.
        Err(problem) if caller.idempotency_key.is_some() => Request::TurnAway(problem),
        Err(problem) => return Err(problem),
    };
    let wait = prefer.wait.and_then(|wait| shop.waiters.seat(wait));
    let answer = shop.api.committer.submit(request, caller, &*order).await?;
    Ok(match wait {
        Some(seat) => seat.answer(answer),
        None => answer.into_response(),
    })
}

/// `GET /orders/{id}`
pub(super) async fn show(
    State(shop): State<Arc<Shop>>,
    Path(id): Path<OrderId>,
    principal: Principal,
) -> Result<Answer, Problem> {
    let known = store::find_order(&shop.api.pool, id, principal.narrowed_to().map(AsRef::as_ref)).await?;
    let known = known.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Answer::json(StatusCode::OK, &OrderView::of(&known)))
}

/// `GET /orders`
pub(super) async fn list(
    State(shop): State<Arc<Shop>>,
    principal: Principal,
    mut asked: Parameters,
) -> Result<Answer, Problem> {
    let filter = Filter { own: principal.narrowed_to().map(ToString::to_string), ..read_filter(&mut asked) };
    let page = Page::<OrderId>::read(&mut asked);
    asked.finish()?;
    let known = store::page_of_orders(&shop.api.pool, &filter, page.after, page.rows()).await?;
    Ok(page.answer(known.iter().map(OrderView::of).collect(), OrderView::id))
}

fn read_filter(asked: &mut Parameters) -> Filter {
    let causes = format!("true, false, {}", names(Attention::ALL, Attention::name));
    let period = Period::read(asked);
    Filter {
        own: None,
        customer_id: asked.optional::<Name>("customer_id", Name::SHAPE).map(|name| name.0),
        statuses: asked.several("status", &names(Status::ALL, Status::name)),
        from: period.from.map(OrderId::earliest_at),
        until: period.until.map(OrderId::earliest_at),
        attention: asked.optional("attention", &format!("one of {causes}")),
    }
}

/// `POST /orders/{id}/cancellation`
pub(super) async fn cancel(
    State(shop): State<Arc<Shop>>,
    Path(order_id): Path<OrderId>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let (by, reason) = read_cancellation(form)?;
    let asked_by = caller.principal.clone();
    if by == CancelledBy::Operator && asked_by.narrowed_to().is_some() {
        let detail = "A customer cancels as a customer: leave `by` out.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    let body = (by, reason.clone());
    shop.api.committer.submit(Request::Cancel { order_id, by, reason, asked_by }, caller, &body).await
}

pub(super) fn read_cancellation(mut form: Form) -> Result<(CancelledBy, Option<String>), Problem> {
    let by = form.optional_parsed("by", "customer or operator").unwrap_or(CancelledBy::Customer);
    let reason = form.optional_text("reason", 1..=500);
    if reason.is_some() && by == CancelledBy::Customer {
        form.refuse("reason", "is an operator's to give");
    }
    form.finish()?;
    Ok((by, reason))
}

pub(super) fn read_order(mut form: Form) -> Result<PlaceOrder, Problem> {
    let customer_id = form.parsed::<Name>("customer_id", Name::SHAPE);
    let currency = form.parsed::<Currency>("currency", "an ISO 4217 currency code");
    let items = read_items(&mut form);
    let delivery_address = form.object("delivery_address", read_address);
    let wished_date = form.optional_parsed::<Day>("slot", Day::SHAPE).map(|day| day.0);
    let expected_total_minor = form.optional_integer("expected_total", 0..=i64::MAX);
    form.finish()?;
    let (Some(customer_id), Some(currency), Some(delivery_address)) = (customer_id, currency, delivery_address) else {
        return Err(Problem::internal());
    };
    Ok(PlaceOrder { customer_id: customer_id.0, currency, items, delivery_address, wished_date, expected_total_minor })
}

fn read_items(form: &mut Form) -> Vec<Wanted> {
    let mut seen = HashSet::new();
    form.list("items", 1..=MOST_ITEMS, |item| {
        let sku = item.parsed::<Name>("sku", Name::SHAPE).map_or_else(String::new, |name| name.0);
        if !sku.is_empty() && !seen.insert(sku.clone()) {
            item.refuse("sku", "is on the list already: one line has all pieces of an article");
        }
        let quantity = item.integer("quantity", 1..=i64::from(LARGEST_QUANTITY));
        Wanted { sku, quantity: u32::try_from(quantity).unwrap_or(LARGEST_QUANTITY) }
    })
}

fn read_address(form: &mut Form) -> Address {
    Address {
        recipient: form.text("recipient", 1..=100),
        line1: form.text("line1", 1..=200),
        line2: form.optional_text("line2", 1..=200),
        city: form.text("city", 1..=100),
        postal_code: form.text("postal_code", 1..=16),
        country: form.parsed::<Country>("country", Country::SHAPE).map_or_else(String::new, |country| country.0),
    }
}
