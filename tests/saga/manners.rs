//! How both services behave as servers of HTTP, whatever is asked of them.

mod cursors;
mod filters;
mod reads;
mod routes;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::Shop;

/// All entries of a list, in pages of so many.
async fn pages(shop: &Shop, list: &str, limit: usize) -> Result<Vec<Value>> {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(shop, list, limit, &cursor).await?;
        entries.extend(page["items"].as_array().context("a page has items")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(entries),
        }
        ensure!(entries.len() < 1_000, "{list} does not end");
    }
}

/// One page of a list, from its beginning where there is no cursor.
async fn page(shop: &Shop, list: &str, limit: usize, cursor: &str) -> Result<Value> {
    let and = if list.contains('?') { '&' } else { '?' };
    let cursor = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
    shop.read(&format!("{list}{and}limit={limit}{cursor}")).await
}

/// What a list's entries go by.
fn ids(entries: &[Value]) -> Vec<String> {
    let name = |entry: &Value| ["id", "sku"].iter().find_map(|name| entry[*name].as_str()).map(str::to_owned);
    entries.iter().filter_map(name).collect()
}
