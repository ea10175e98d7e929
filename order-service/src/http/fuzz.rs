//! Each body that the order side reads, damaged: what is read is what was said, and what is not is refused with the field's name.
//!
//! `cargo test` plays the corpora beside this file (`__fuzz__`) and some thousand inputs more; `scripts/fuzz` goes on from there.

#[path = "../../../chassis/src/fuzz/edits.rs"]
mod edits;
#[path = "../../../chassis/src/fuzz/forms.rs"]
mod forms;

use chassis::http::{Form, Problem};
use serde_json::{Value, json};

use super::{orders, products};
use crate::domain::{CancelledBy, PlaceOrder, ProductDetails};
use edits::INPUTS;
use forms::{damaged, is_said};

#[test]
fn a_damaged_order_is_read_as_what_it_says_or_refused() {
    let good = json!({
        "customer_id": "ada", "currency": "EUR", "slot": "2026-12-01", "expected_total": 3_900,
        "items": [{ "sku": "MUG", "quantity": 2 }, { "sku": "POT", "quantity": 1 }],
        "delivery_address": {
            "recipient": "Ada Müller", "line1": "Ring 1", "line2": "3rd floor", "city": "Köln", "postal_code": "50667", "country": "DE",
        },
    });
    let holds = |order: &PlaceOrder, says: &Value| {
        let items = order.items.iter().map(|item| json!({ "sku": item.sku, "quantity": item.quantity }));
        let address = &order.delivery_address;
        let delivery_address = json!({
            "recipient": address.recipient, "line1": address.line1, "line2": address.line2, "city": address.city,
            "postal_code": address.postal_code, "country": address.country,
        });
        let heard = json!({
            "customer_id": order.customer_id, "currency": order.currency.code(), "slot": order.wished_date,
            "expected_total": order.expected_total_minor, "items": items.collect::<Vec<_>>(), "delivery_address": delivery_address,
        });
        is_said(heard, says)
    };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, orders::read_order, holds));
}

#[test]
fn a_damaged_cancellation_is_read_as_what_it_says_or_refused() {
    let good = json!({ "by": "operator", "reason": "The customer has called." });
    let holds = |(by, reason): &(CancelledBy, Option<String>), says: &Value| {
        let is_silent = says["by"].is_null() && *by == CancelledBy::Customer;
        is_said(json!({ "by": (!is_silent).then(|| by.name()), "reason": reason }), says)
    };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, orders::read_cancellation, holds));
}

#[test]
fn a_damaged_product_is_read_as_what_it_says_or_refused() {
    let good = json!({ "name": "Mug", "price_minor": 1_300, "currency": "EUR", "weight_g": 350 });
    let read = |form: Form| -> Result<ProductDetails, Problem> { products::read_product("MUG", form) };
    let holds = |details: &ProductDetails, says: &Value| {
        let ProductDetails { name, price_minor, currency, weight_g } = details;
        let code = currency.code();
        is_said(json!({ "name": name, "price_minor": price_minor, "currency": code, "weight_g": weight_g }), says)
    };
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, read, holds));
}

#[test]
fn a_damaged_receipt_is_read_as_what_it_says_or_refused() {
    let holds = |quantity: &u32, says: &Value| is_said(json!({ "quantity": quantity }), says);
    let good = json!({ "quantity": 12 });
    bolero::check!().with_iterations(INPUTS).with_type().for_each(damaged(&good, products::read_receipt, holds));
}
