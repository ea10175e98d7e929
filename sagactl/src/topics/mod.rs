//! The two topics as they lie in Kafka: read from end to end, or looked through for one order.
//!
//! Nothing is changed by that: partitions are read by assignment, by nobody's member, and no offset is committed.

mod find;
mod reader;

use std::time::Duration;

pub use chassis::messaging::KafkaSettings;
pub use find::{Found, find};
pub use reader::{Reader, Seen};

/// How long Kafka may take for one answer, or be silent while there is something to read.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The topics with this prefix, on the Kafka that is reached there.
#[must_use]
pub fn at(bootstrap_servers: &str, prefix: &str) -> KafkaSettings {
    KafkaSettings {
        bootstrap_servers: bootstrap_servers.to_owned(),
        prefix: prefix.to_owned(),
        instance_id: "sagactl".to_owned(),
    }
}
