//! The two topics as they lie in Kafka: read from end to end, or looked through for one order.
//!
//! Nothing is changed by that: partitions are read by assignment, by nobody's member, and no offset is committed.

mod find;

pub use chassis::messaging::{KafkaSettings, Reader, Seen};
pub use find::{Found, find};

/// The topics with this prefix, on the Kafka that is reached there.
#[must_use]
pub fn at(bootstrap_servers: &str, prefix: &str) -> KafkaSettings {
    KafkaSettings {
        bootstrap_servers: bootstrap_servers.to_owned(),
        prefix: prefix.to_owned(),
        instance_id: "sagactl".to_owned(),
    }
}
