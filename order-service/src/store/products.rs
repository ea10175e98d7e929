//! Reading and changing the catalogue and its stock.

use std::collections::BTreeMap;

use chassis::Tx;
use sqlx::PgPool;

use super::{checked_column, column, orders::read, unfit, unreadable};
use crate::domain::{Product, ProductDetails, StockChange, StockMove};

struct ProductRow {
    sku: String,
    name: String,
    price_minor: i64,
    currency: String,
    weight_g: i32,
    received: i64,
    on_hand: i64,
    reserved: i64,
    shipped: i64,
    written_off: i64,
}

/// One list of columns for every way to select products.
macro_rules! select_products {
    ($tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            ProductRow,
            "select sku, name, price_minor, currency, weight_g, received, on_hand, reserved, shipped, written_off
             from products " + $tail,
            $($argument),+
        )
    };
}

/// The articles among these, locked until the transaction ends.
pub async fn load_products(tx: &mut Tx<'_>, skus: &[String]) -> sqlx::Result<Vec<(String, Product)>> {
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    let rows = select_products!("where sku = any($1) order by sku for no key update", skus);
    rows.fetch_all(&mut **tx).await?.into_iter().map(ProductRow::named).collect()
}

/// Locks articles of which pieces are about to move.
pub async fn lock_products(tx: &mut Tx<'_>, skus: &[String]) -> sqlx::Result<()> {
    if skus.is_empty() {
        return Ok(());
    }
    let locked =
        sqlx::query_scalar!("select sku from products where sku = any($1) order by sku for no key update", skus);
    locked.fetch_all(&mut **tx).await.map(drop)
}

/// So many articles after this one, by sku: all of them, or those of which something is available, or nothing is.
pub async fn page_of_products(
    pool: &PgPool,
    available: Option<bool>,
    after: &str,
    rows: i64,
) -> sqlx::Result<Vec<(String, Product)>> {
    let rows = select_products!(
        "where sku > $1 and ($2::boolean is null or (on_hand > reserved) = $2) order by sku limit $3",
        after,
        available,
        rows
    );
    rows.fetch_all(pool).await?.into_iter().map(ProductRow::named).collect()
}

impl ProductRow {
    fn named(self) -> sqlx::Result<(String, Product)> {
        let details = ProductDetails {
            name: self.name,
            price_minor: self.price_minor,
            currency: read(&self.currency)?,
            weight_g: self.weight_g.try_into().map_err(unreadable)?,
        };
        let Self { received, on_hand, reserved, shipped, written_off, .. } = self;
        Ok((self.sku, Product { details, received, on_hand, reserved, shipped, written_off }))
    }
}

/// Adds new articles, of which nothing has arrived. Returns how many really were new: another instance may have been faster.
pub async fn insert_products(tx: &mut Tx<'_>, products: &[(&str, &ProductDetails)]) -> sqlx::Result<usize> {
    if products.is_empty() {
        return Ok(0);
    }
    let inserted = sqlx::query!(
        "insert into products (sku, name, price_minor, currency, weight_g)
         select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::integer[])
         on conflict (sku) do nothing",
        &column(products, |(sku, _)| *sku) as _,
        &column(products, |(_, details)| details.name.as_str()) as _,
        &column(products, |(_, details)| details.price_minor),
        &column(products, |(_, details)| details.currency.code()) as _,
        &checked_column(products, |(_, details)| details.weight_g.try_into().map_err(unfit))?,
    );
    Ok(usize::try_from(inserted.execute(&mut **tx).await?.rows_affected()).unwrap_or(usize::MAX))
}

/// Says something new of articles that are locked. Their currency stays.
pub async fn replace_details(tx: &mut Tx<'_>, products: &[(&str, &ProductDetails)]) -> sqlx::Result<()> {
    if products.is_empty() {
        return Ok(());
    }
    let replaced = sqlx::query!(
        "update products set name = new.name, price_minor = new.price_minor, weight_g = new.weight_g
         from unnest($1::text[], $2::text[], $3::bigint[], $4::integer[]) as new (sku, name, price_minor, weight_g)
         where products.sku = new.sku",
        &column(products, |(sku, _)| *sku) as _,
        &column(products, |(_, details)| details.name.as_str()) as _,
        &column(products, |(_, details)| details.price_minor),
        &checked_column(products, |(_, details)| details.weight_g.try_into().map_err(unfit))?,
    );
    replaced.execute(&mut **tx).await.map(drop)
}

/// What all moves of one article come to, as differences.
#[derive(Default)]
pub(super) struct Shift {
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub shipped: i64,
    pub written_off: i64,
}

impl Shift {
    fn add(&mut self, change: StockChange, quantity: u32) {
        let pieces = i64::from(quantity);
        let from_the_shelf = match change {
            StockChange::Receive => {
                self.received += pieces;
                self.on_hand += pieces;
                return;
            }
            StockChange::Reserve => {
                self.reserved += pieces;
                return;
            }
            StockChange::Release => {
                self.reserved -= pieces;
                return;
            }
            StockChange::Ship => &mut self.shipped,
            StockChange::WriteOff => &mut self.written_off,
        };
        *from_the_shelf += pieces;
        self.reserved -= pieces;
        self.on_hand -= pieces;
    }
}

/// How far pieces move, article by article.
pub(super) fn shifts<'a>(moves: impl Iterator<Item = &'a StockMove>) -> Vec<(&'a str, Shift)> {
    let mut shifts: BTreeMap<&str, Shift> = BTreeMap::new();
    for moved in moves {
        shifts.entry(&moved.sku).or_default().add(moved.change, moved.quantity);
    }
    shifts.into_iter().collect()
}
