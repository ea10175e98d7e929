//! What waits, as gauges: how much, and for how long.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{outbox::outbox_age, parking::CAUSES};
use crate::http::metrics::float;

const EVERY: Duration = Duration::from_secs(5);

/// Sets the gauges every few seconds until told to stop.
pub async fn watch(pool: PgPool, recorder: PrometheusHandle, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // Histograms keep every sample until they are told to fold them.
        recorder.run_upkeep();
        if let Err(error) = set(&pool).await {
            tracing::debug!(%error, "the gauges could not be set: {error}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn set(pool: &PgPool) -> sqlx::Result<()> {
    let unsent = sqlx::query_scalar!(r#"select count(*) as "unsent!" from outbox"#).fetch_one(pool).await?;
    let age = outbox_age(pool).await?.map_or(0.0, |age| age.as_seconds_f64());
    metrics::gauge!("outbox_unsent").set(float(unsent));
    metrics::gauge!("outbox_age_seconds").set(age);
    let causes = sqlx::query!(
        r#"select cause as "cause!", count(parked.id) as "parked!"
           from unnest($1::text[]) as cause
           left join (select cause, id from parked_events where resolved_at is null) parked using (cause)
           group by cause"#,
        &CAUSES as &[&str] as _
    )
    .fetch_all(pool)
    .await?;
    for row in causes {
        metrics::gauge!("parked_events_waiting", "cause" => row.cause).set(float(row.parked));
    }
    Ok(())
}
