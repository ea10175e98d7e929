//! What the shop sells, and how many pieces of it are where.

use std::collections::BTreeMap;

use serde::Serialize;
use shared_events::Currency;

use super::{OrderItem, Refusal, Wanted, names::named};

named! {
    /// What happens to pieces of an article.
    StockChange {
        /// They arrive in the warehouse.
        Receive = "receive",
        /// They are promised to an order.
        Reserve = "reserve",
        /// They are free again.
        Release = "release",
        /// They have gone to a customer.
        Ship = "ship",
        /// They have gone, and nobody has them.
        WriteOff = "write_off",
    }
}

/// Pieces of one article on the move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMove {
    /// What happens to them.
    pub change: StockChange,
    /// Which article.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
}

/// What the shop says of an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductDetails {
    /// What people call it.
    pub name: String,
    /// The price of one piece.
    pub price_minor: i64,
    /// What it is priced in. Never changes.
    pub currency: Currency,
    /// The weight of one piece.
    pub weight_g: u32,
}

/// An article and where its pieces are: on hand + shipped + written off = received, and 0 ≤ reserved ≤ on hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// What the shop says of it.
    pub details: ProductDetails,
    /// Pieces that ever arrived.
    pub received: i64,
    /// Pieces on the shelf, reserved ones included.
    pub on_hand: i64,
    /// Pieces on the shelf that are promised to orders.
    pub reserved: i64,
    /// Pieces that went to customers.
    pub shipped: i64,
    /// Pieces that are gone.
    pub written_off: i64,
}

impl Product {
    /// A new article, of which nothing has arrived yet.
    #[must_use]
    pub fn new(details: ProductDetails) -> Self {
        Self { details, received: 0, on_hand: 0, reserved: 0, shipped: 0, written_off: 0 }
    }

    /// Pieces that can still be ordered.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    fn receive(&mut self, quantity: u32) {
        self.received += i64::from(quantity);
        self.on_hand += i64::from(quantity);
    }
}

/// Whether an article was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Created,
    /// It was known; its details are replaced.
    Replaced,
}

/// The articles that a batch of decisions is about. Every decision sees what the ones before it have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    products: BTreeMap<String, Product>,
}

impl FromIterator<(String, Product)> for Catalogue {
    fn from_iter<I: IntoIterator<Item = (String, Product)>>(products: I) -> Self {
        Self { products: products.into_iter().collect() }
    }
}

impl Catalogue {
    /// The article of this name, if there is one.
    #[must_use]
    pub fn product(&self, sku: &str) -> Option<&Product> {
        self.products.get(sku)
    }

    /// Adds an article, or says something new of one.
    ///
    /// # Errors
    /// [`Refusal::CurrencyFixed`]: the article is priced in another currency, and orders have been placed in that one.
    pub fn put(&mut self, sku: &str, details: ProductDetails) -> Result<Put, Refusal> {
        match self.products.get_mut(sku) {
            None => {
                self.products.insert(sku.to_owned(), Product::new(details));
                Ok(Put::Created)
            }
            Some(known) if known.details.currency == details.currency => {
                known.details = details;
                Ok(Put::Replaced)
            }
            Some(known) => Err(Refusal::CurrencyFixed { currency: known.details.currency }),
        }
    }

    /// Pieces arrive.
    ///
    /// # Errors
    /// [`Refusal::UnknownSku`]: there is no such article.
    pub fn receive(&mut self, sku: &str, quantity: u32) -> Result<StockMove, Refusal> {
        let product = self.products.get_mut(sku).ok_or_else(|| Refusal::UnknownSku { skus: vec![sku.to_owned()] })?;
        product.receive(quantity);
        Ok(StockMove { change: StockChange::Receive, sku: sku.to_owned(), quantity })
    }

    /// Finds price and weight of what is wanted.
    pub(super) fn price(&self, wanted: &[Wanted], currency: Currency) -> Result<Vec<OrderItem>, Refusal> {
        let unknown = skus(wanted, |one| self.product(&one.sku).is_none());
        if !unknown.is_empty() {
            return Err(Refusal::UnknownSku { skus: unknown });
        }
        let foreign =
            skus(wanted, |one| self.product(&one.sku).is_some_and(|product| product.details.currency != currency));
        if !foreign.is_empty() {
            return Err(Refusal::CurrencyMismatch { currency, skus: foreign });
        }
        let item = |one: &Wanted| {
            self.product(&one.sku).map(|Product { details, .. }| OrderItem {
                sku: one.sku.clone(),
                quantity: one.quantity,
                unit_price_minor: details.price_minor,
                weight_g: details.weight_g,
            })
        };
        Ok(wanted.iter().filter_map(item).collect())
    }

    /// Promises the items to an order: all of them or none.
    pub(super) fn reserve(&mut self, items: &[OrderItem]) -> Result<(), Refusal> {
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        for item in items {
            *wanted.entry(&item.sku).or_default() += i64::from(item.quantity);
        }
        let available = |sku: &str| self.product(sku).map_or(0, Product::available);
        let short: Vec<String> =
            wanted.iter().filter(|(sku, pieces)| **pieces > available(sku)).map(|(sku, _)| (*sku).to_owned()).collect();
        if !short.is_empty() {
            return Err(Refusal::OutOfStock { skus: short });
        }
        for (sku, pieces) in wanted {
            if let Some(product) = self.products.get_mut(sku) {
                product.reserved += pieces;
            }
        }
        Ok(())
    }
}

fn skus(wanted: &[Wanted], which: impl Fn(&Wanted) -> bool) -> Vec<String> {
    wanted.iter().filter(|one| which(one)).map(|one| one.sku.clone()).collect()
}
