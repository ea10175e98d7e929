//! The contract: what the order side and the delivery side say to each other.
//!
//! Both services, the operator's command and the tests depend on this crate; it depends on none of them and does no
//! I/O. `contract/` holds one golden record and one JSON Schema for each event and version; a test keeps them true.

mod delivery_events;
mod envelope;
mod event;
mod ids;
mod money;
mod order_events;
mod topic;
pub mod wire;

pub use delivery_events::{
    CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched, DeliveryFailed,
    FulfilmentFailure, Goods, MOST_ALTERNATIVES, Proof, Slot, TransitFailure,
};
pub use envelope::{Announce, Cause, Envelope, Stamp};
pub use event::{Event, EventKind, UnknownEventKind};
pub use ids::{DeliveryId, EventId, OrderId, Version};
pub use money::{Currency, Money, UnknownCurrency};
pub use order_events::{Address, CancellationReason, Item, OrderCancelled, OrderCompleted};
pub use topic::Topic;
