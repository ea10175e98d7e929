//! Bodies: what is accepted keeps to what was asked for, and what is refused says why.

use serde_json::{Value, json};

use super::{INPUTS, forms};
use crate::http::{Day, Form, Name, Problem};

/// One of each kind of field. What the services make of them is tried in the services.
#[derive(Debug)]
struct Read {
    customer: Option<Name>,
    items: Vec<(String, i64)>,
    city: Option<String>,
    tags: Vec<String>,
    slot: Option<Day>,
}

fn read(mut form: Form) -> Result<Read, Problem> {
    let customer = form.parsed::<Name>("customer_id", Name::SHAPE);
    let items = form.list("items", 1..=5, |item| (item.text("sku", 1..=10), item.integer("quantity", 1..=99)));
    let city = form.object("delivery_address", |address| address.text("city", 1..=20));
    let tags = if form.has("tags") { form.texts("tags", 1..=5, 1..=10) } else { vec![] };
    let slot = form.optional_parsed::<Day>("slot", Day::SHAPE);
    form.finish()?;
    Ok(Read { customer, items, city, tags, slot })
}

fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn holds(Read { customer, items, city, tags, slot }: &Read, says: &Value) -> bool {
    let heard_items = items.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }));
    let heard = json!({
        "customer_id": customer.as_ref().map(|name| &name.0), "items": heard_items.collect::<Vec<_>>(), "delivery_address": { "city": city },
        "tags": (!tags.is_empty()).then_some(tags), "slot": slot.as_ref().map(|day| day.0),
    });
    forms::is_said(heard, says)
        && (1..=5).contains(&items.len())
        && items.iter().all(|(sku, quantity)| is_text(sku, 10) && (1..=99).contains(quantity))
        && is_text(city.as_ref().expect("it has to be there"), 20)
        && tags.iter().all(|tag| is_text(tag, 10))
}

#[test]
fn a_damaged_body_is_read_as_what_it_says_or_refused() {
    let good = json!({
        "customer_id": "ada", "slot": "2026-12-01", "tags": ["one", "two"], "delivery_address": { "city": "Zürich" },
        "items": [{ "sku": "MUG", "quantity": 2 }, { "sku": "POT", "quantity": 1 }],
    });
    bolero::check!().with_iterations(INPUTS).with_type().for_each(forms::damaged(&good, read, holds));
}
