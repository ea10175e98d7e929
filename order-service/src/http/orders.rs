//! Orders: placed, shown, listed, cancelled.

use std::collections::HashSet;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chassis::http::{Answer, Caller, Country, Form, Name, Page, Path, Problem, Query};
use http::StatusCode;
use serde::Deserialize;
use shared_events::{Address, Currency, OrderId};

use super::{Shop, fields::Day, prefer::Prefer, view::OrderView};
use crate::{
    domain::{CancelledBy, PlaceOrder, Wanted},
    requests::Request,
    store,
};

const MOST_ITEMS: usize = 100;
const LARGEST_QUANTITY: u32 = 10_000;

/// `POST /orders`
pub(super) async fn place(
    State(shop): State<Shop>,
    caller: Caller,
    prefer: Prefer,
    form: Form,
) -> Result<Response, Problem> {
    let order = read_order(form)?;
    shop.admission.admit()?;
    let wait = prefer.wait.and_then(|wait| shop.waiters.seat(wait));
    let answer = shop.api.committer.submit(Request::Place(order.clone()), caller, &order).await?;
    Ok(match wait {
        Some(seat) => seat.answer(answer),
        None => answer.into_response(),
    })
}

/// `GET /orders/{id}`
pub(super) async fn show(State(shop): State<Shop>, Path(id): Path<OrderId>) -> Result<Answer, Problem> {
    let known = store::known(&shop.api.pool, &[id]).await?;
    let known = known.first().ok_or_else(|| Problem::not_found("order"))?;
    Ok(Answer::json(StatusCode::OK, &OrderView::of(known)))
}

/// Which orders.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    customer_id: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /orders`
pub(super) async fn list(State(shop): State<Shop>, Query(which): Query<Which>) -> Result<Answer, Problem> {
    let page = Page::<OrderId>::of(which.limit.as_deref(), which.cursor.as_deref())?;
    let invalid =
        |_| Problem::new(StatusCode::BAD_REQUEST, "invalid_query", format!("customer_id has to be {}.", Name::SHAPE));
    let known = match which.customer_id.map(|id| id.parse::<Name>().map_err(invalid)).transpose()? {
        Some(Name(customer_id)) => {
            store::page_of_customer(&shop.api.pool, &customer_id, page.after, page.rows()).await?
        }
        None => store::page_of_all(&shop.api.pool, page.after, page.rows()).await?,
    };
    Ok(page.answer(known.iter().map(OrderView::of).collect(), OrderView::id))
}

/// `POST /orders/{id}/cancellation`
pub(super) async fn cancel(
    State(shop): State<Shop>,
    Path(order_id): Path<OrderId>,
    caller: Caller,
    mut form: Form,
) -> Result<Answer, Problem> {
    let by = form.optional_parsed("by", "customer or operator").unwrap_or(CancelledBy::Customer);
    form.finish()?;
    shop.api.committer.submit(Request::Cancel { order_id, by }, caller, &by).await
}

fn read_order(mut form: Form) -> Result<PlaceOrder, Problem> {
    let customer_id = form.parsed::<Name>("customer_id", Name::SHAPE);
    let currency = form.parsed::<Currency>("currency", "an ISO 4217 currency code");
    let items = read_items(&mut form);
    let delivery_address = form.object("delivery_address", read_address);
    let wished_date = form.optional_parsed::<Day>("slot", "a day as YYYY-MM-DD").map(|day| day.0);
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
