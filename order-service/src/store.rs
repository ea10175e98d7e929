//! All SQL of the order side. A batch in, a batch out.
//!
//! Locks are taken in one order everywhere, so that nothing can deadlock: orders by id, then products by sku. Whoever
//! changes rows has locked them first with a sorted `select … for no key update`.

mod orders;
mod products;
#[cfg(feature = "planted-bugs")]
mod refunding;
mod saving;

use chassis::column;

pub use orders::{
    Filter, HistoryLine, Known, count_undecided, find_order, known, lock_known, lock_orders, lock_overdue,
    no_longer_waiting, oldest_open, page_of_orders, put_off, waiting,
};
pub use products::{insert_products, load_products, lock_products, page_of_products, replace_details};
#[cfg(feature = "planted-bugs")]
pub use refunding::refund_at_once;
pub use saving::{Arrived, Saved, save};

/// A value of ours that the database has no room for: parsing has let through what it should not.
fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

/// A value in the database that the domain does not know: a constraint has let through what it should not.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A [`column`] where a value may have no form in the database.
fn checked_column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> sqlx::Result<V>) -> sqlx::Result<Vec<V>> {
    rows.iter().map(value).collect()
}
