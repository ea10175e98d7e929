//! A parked record as it is kept, and read again by all that try it again.

use bytes::Bytes;
use shared_events::{OrderId, Version};
use uuid::Uuid;

use super::record::Record;

/// A parked record, and what has become of it.
pub(crate) struct Kept {
    pub id: Uuid,
    pub order_id: Option<Uuid>,
    pub version: Option<i64>,
    pub resolution: Option<String>,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub header_names: Vec<String>,
    pub header_values: Vec<Option<Vec<u8>>>,
    pub payload: Option<Vec<u8>>,
}

impl Kept {
    /// Its order and version, where it could be read that far.
    pub fn place(&self) -> Option<(OrderId, Version)> {
        self.order_id.map(OrderId).zip(self.version.map(Version))
    }

    /// As it came from Kafka.
    pub fn record(self) -> Record {
        let values = self.header_values.into_iter().map(|value| value.map(Bytes::from));
        Record {
            topic: self.topic.into(),
            partition: self.partition,
            offset: self.offset,
            key: self.key.map(Bytes::from),
            headers: self.header_names.into_iter().zip(values).collect(),
            payload: self.payload.map(Bytes::from),
        }
    }
}

/// Parked records that fulfil what follows.
macro_rules! select_kept {
    ($tail:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            $crate::messaging::kept::Kept,
            r#"select id, order_id, version, resolution, topic, "partition", "offset", key, header_names,
                      header_values as "header_values: Vec<Option<Vec<u8>>>", payload
               from parked_events "# + $tail,
            $($argument),+
        )
    };
}
pub(crate) use select_kept;
