//! The two lanes between the services.

use std::fmt;

/// A topic, named for what travels on it. Both have the same number of partitions and the same key, the
/// order id, so that one saga is one ordered lane in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// From the order side: `OrderCompleted`, `OrderCancelled`.
    Orders,
    /// From the delivery side: everything about a delivery.
    Deliveries,
}

impl Topic {
    /// Its name in Kafka, before any prefix.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Topic::Orders => "orders",
            Topic::Deliveries => "deliveries",
        }
    }

    /// The only service that writes to it: what stands in `ce_source`.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Topic::Orders => "order-service",
            Topic::Deliveries => "delivery-service",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
