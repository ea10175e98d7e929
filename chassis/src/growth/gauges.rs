//! How much has grown, as gauges.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::partitions;
use crate::http::metrics::float;

/// Below so many rows they are counted; above, the statistics' estimate will do.
const COUNTED: i64 = 10_000;

/// Sets them as things are at this moment.
pub(super) async fn set(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<()> {
    let partitions = partitions::all(pool).await?;
    let oldest = partitions.first().map_or(0.0, |oldest| (now - oldest.ends_at()).as_seconds_f64() / 86_400.0);
    metrics::gauge!("event_log_partitions").set(float(i64::try_from(partitions.len()).unwrap_or(i64::MAX)));
    // The age of its youngest order: above the retention, something in it is not settled.
    metrics::gauge!("event_log_oldest_partition_days").set(oldest.max(0.0));
    let sizes = sqlx::query!(
        r#"select (select coalesce(sum(pg_total_relation_size(relid)), 0)::bigint from pg_partition_tree('event_log')) as "log!",
                  (select count(*) from (select from event_log_default limit $1) as events) as "outside!",
                  (select count(*) from parked_events where resolved_at is not null) as "resolved!",
                  (select case when reltuples >= $1 then reltuples::bigint
                               else (select count(*) from idempotency_keys) end
                   from pg_class where oid = 'idempotency_keys'::regclass) as "keys!""#,
        COUNTED,
    )
    .fetch_one(pool)
    .await?;
    metrics::gauge!("event_log_bytes").set(float(sizes.log));
    // Counted no further than to 10,000: there should be none.
    metrics::gauge!("event_log_events_outside_partitions").set(float(sizes.outside));
    metrics::gauge!("parked_events_resolved").set(float(sizes.resolved));
    // An estimate from 10,000 on.
    metrics::gauge!("idempotency_keys_kept").set(float(sizes.keys));
    Ok(())
}
