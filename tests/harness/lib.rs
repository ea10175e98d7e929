//! What the tests of the saga stand on: a real PostgreSQL and a real Kafka, started once for all tests of a run.
//!
//! Begin with [`Env`]: a test's own corner of both. [`eventually`] is the only way of waiting. [`Proxy`] stands between
//! a service and its database and fails on purpose. [`TestInbox`] is a receiving side whose reactions fail when told to.
//!
//! Nothing is left behind, also when a test fails or the run is killed: every server has a guardian that ends it when this
//! process is gone (see `devstack`). Rust never drops what is static, and need not.

pub mod books;
mod env;
mod events;
mod inbox;
mod keys;
mod launch;
mod pair;
mod proxy;
mod reactions;
pub mod routes;
mod servers;
pub mod shop;
mod topic;
mod waiting;

pub use env::Env;
pub use events::{envelope, fresh_order, golden, record};
pub use inbox::{Consuming, TestInbox};
pub use keys::Keys;
pub use launch::{Launch, Service};
pub use pair::Pair;
pub use proxy::{COMMIT, Proxy, Traffic};
pub use reactions::{Applied, TestReactions};
pub use servers::Servers;
pub use shop::{Reply, Shop, order_of};
pub use topic::{KEYED, produce, read_all};
pub use waiting::{PATIENCE, eventually, eventually_is};
