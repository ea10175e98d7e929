//! Our own Kafka clients: the settings that they are made from, as librdkafka has understood them.

use rdkafka::ClientConfig;

use super::{Check, Severity};

/// A setting, and what it has to be.
struct Wanted {
    name: &'static str,
    setting: &'static str,
    values: &'static [&'static str],
    why: &'static str,
}

const OF_PRODUCER: [Wanted; 3] = [
    Wanted {
        name: "acks",
        setting: "acks",
        values: &["all", "-1"],
        why: "acks=all, because an outbox pointer is deleted on the strength of an acknowledgement",
    },
    Wanted {
        name: "idempotence",
        setting: "enable.idempotence",
        values: &["true"],
        why: "enable.idempotence=true, because a retry inside the client must not change the order",
    },
    Wanted {
        name: "partitioner",
        setting: "partitioner",
        values: &["murmur2_random"],
        why: "partitioner=murmur2_random, because every client has to find the same lane for an order",
    },
];

const OF_CONSUMER: [Wanted; 3] = [
    Wanted {
        name: "auto-commit",
        setting: "enable.auto.offset.store",
        values: &["false"],
        why: "enable.auto.offset.store=false, because only what was committed in the database may be committed as an offset",
    },
    Wanted {
        name: "offset reset",
        setting: "auto.offset.reset",
        values: &["earliest", "smallest", "beginning"],
        why: "auto.offset.reset=earliest, because a new group has to read what was there before it",
    },
    Wanted {
        name: "isolation",
        setting: "isolation.level",
        values: &["read_committed"],
        why: "isolation.level=read_committed, because what was aborted never happened",
    },
];

/// The relay's producer and the consumer of the inbox, by what they are made from.
#[must_use]
pub fn clients(producer: &ClientConfig, consumer: &ClientConfig) -> Vec<Check> {
    let of_producer = OF_PRODUCER.iter().map(|wanted| check("producer", producer, wanted));
    let of_consumer = OF_CONSUMER.iter().map(|wanted| check("consumer", consumer, wanted));
    of_producer.chain(of_consumer).collect()
}

fn check(client: &str, config: &ClientConfig, wanted: &Wanted) -> Check {
    let value = config.create_native_config().and_then(|native| native.get(wanted.setting));
    let (found, severity) = match value {
        Ok(value) => {
            let severity = Severity::refusal_unless(wanted.values.contains(&value.as_str()));
            (format!("{}={value}", wanted.setting), severity)
        }
        Err(error) => (format!("{} cannot be known: {error}", wanted.setting), Severity::Refusal),
    };
    Check { name: format!("{client}: {}", wanted.name), found, wanted: wanted.why, severity }
}
