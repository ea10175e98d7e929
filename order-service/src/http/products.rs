//! The catalogue and its stock.

use std::sync::Arc;

use axum::extract::State;
use chassis::http::{Answer, Caller, Form, Name, Page, Parameters, Path, Problem};
use serde::Serialize;
use shared_events::Currency;

use super::{Shop, view::ProductView};
use crate::{domain::ProductDetails, requests::Request, store};

/// Together with the largest quantity and the most lines, far from the largest number that an amount can be.
const HIGHEST_PRICE_MINOR: i64 = 1_000_000_000;
/// A tonne.
const HEAVIEST_G: i64 = 1_000_000;
const LARGEST_RECEIPT: i64 = 1_000_000;

/// `GET /products`
pub(super) async fn list(State(shop): State<Arc<Shop>>, mut asked: Parameters) -> Result<Answer, Problem> {
    let available = asked.optional("available", "true or false");
    let page = Page::<Name>::read(&mut asked);
    asked.finish()?;
    let after = page.after.as_ref().map_or("", |name| name.0.as_str());
    let products = store::page_of_products(&shop.api.pool, available, after, page.rows()).await?;
    let views = products.iter().map(|(sku, product)| ProductView::of(sku, product)).collect();
    Ok(page.answer(views, |view: &ProductView| Name(view.sku().to_owned())))
}

/// `PUT /products/{sku}`
pub(super) async fn put(
    State(shop): State<Arc<Shop>>,
    Path(sku): Path<String>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let details = read_product(&sku, form)?;
    shop.api.committer.submit(Request::PutProduct { sku, details: details.clone() }, caller, &details).await
}

pub(super) fn read_product(sku: &str, mut form: Form) -> Result<ProductDetails, Problem> {
    if sku.parse::<Name>().is_err() {
        form.refuse("sku", format!("has to be {}", Name::SHAPE));
    }
    let name = form.text("name", 1..=200);
    let price_minor = form.integer("price_minor", 1..=HIGHEST_PRICE_MINOR);
    let currency = form.parsed::<Currency>("currency", "an ISO 4217 currency code");
    let weight_g = form.integer("weight_g", 1..=HEAVIEST_G);
    form.finish()?;
    let (Some(currency), Ok(weight_g)) = (currency, u32::try_from(weight_g)) else { return Err(Problem::internal()) };
    Ok(ProductDetails { name, price_minor, currency, weight_g })
}

#[derive(Serialize)]
struct Receipt {
    quantity: u32,
}

/// `POST /products/{sku}/receipts`
pub(super) async fn receive(
    State(shop): State<Arc<Shop>>,
    Path(sku): Path<String>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let quantity = read_receipt(form)?;
    // No article can have a name like this; the database could not even be asked for some of them.
    let Name(sku) = sku.parse().map_err(|_| Problem::not_found("product"))?;
    shop.api.committer.submit(Request::Receive { sku, quantity }, caller, &Receipt { quantity }).await
}

pub(super) fn read_receipt(mut form: Form) -> Result<u32, Problem> {
    let quantity = form.integer("quantity", 1..=LARGEST_RECEIPT);
    form.finish()?;
    u32::try_from(quantity).map_err(|_| Problem::internal())
}
