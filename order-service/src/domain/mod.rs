//! The order side of the saga as pure functions: no I/O, no clock, no random ids. What is given in decides what comes out.
//!
//! [`Order::place`] and [`Order::decide`] may refuse, because somebody is asking. [`Order::react`] may not, because what
//! an event tells has already happened. All three end in a [`Decision`], which is saved whole.

mod cancel;
mod catalogue;
mod deadline;
mod decision;
mod names;
mod order;
mod outlook;
mod place;
mod react;
mod recall;
#[cfg(test)]
mod tests;

pub use cancel::{ASKS_BEFORE_ATTENTION, CancelledBy, Command};
pub use catalogue::{Catalogue, Product, ProductDetails, Put, StockChange, StockMove};
pub use deadline::{Terms, TooEarly, WaitingFor, WayBack};
pub use decision::{Account, Anomaly, Change, Decision, Refusal, Transfer, TransferKind, What};
pub use names::UnknownName;
pub use order::{Attention, Cancellation, KnownDelivery, Order, OrderItem, Payment, Status, StockState};
pub use outlook::{Coming, Prospect, Stage};
pub use place::{PlaceOrder, Wanted};
pub use recall::NotRecalled;
