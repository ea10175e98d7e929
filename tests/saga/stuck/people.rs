//! It waits for a person.

use std::time::Duration;

use anyhow::Result;
use chassis::{Deadlines, Sweeper, clock, messaging::HandOver};
use chrono::TimeDelta;
use delivery_service::deadlines::DeliveryDeadlines;
use order_service::deadlines::OrderDeadlines;
use sagactl::{services::Side, stuck::Cause};
use serde_json::json;
use sqlx::PgPool;

use super::Stage;
use crate::settings::{delivery_settings, order_settings};

/// As if a month had passed.
async fn a_month_passes(deadlines: impl Deadlines, pool: &PgPool) -> Result<()> {
    let mut sweeper = Sweeper::new(deadlines, pool.clone(), HandOver::default(), Duration::from_secs(1));
    assert_eq!(sweeper.step(clock::now() + TimeDelta::days(30)).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_has_time_until_its_day_is_over_and_is_late_then() -> Result<()> {
    let stage = Stage::opens("people").await;
    let id = stage.places().await;
    let order = stage.becomes(&id, "confirmed").await;
    for side in Side::BOTH {
        let item = stage.is_listed(side, &id, "deadline_not_reached").await;
        assert_eq!(item["waiting_for"]["what"], json!("dispatch"), "{item}");
    }
    let (row, report) = stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    assert_eq!(json!(row.until), order["waiting_for"]["until"]);
    assert_eq!((row.status.as_deref(), row.delivery.as_deref()), (Some("confirmed"), Some("scheduled")));
    assert!(!row.overdue && !report.is_anything_overdue(), "{report}");

    a_month_passes(OrderDeadlines { terms: order_settings(&[]).terms() }, &stage.orders).await?;
    a_month_passes(DeliveryDeadlines { terms: delivery_settings(&[]).terms() }, &stage.deliveries).await?;
    for side in Side::BOTH {
        let item = stage.is_listed(side, &id, "late").await;
        assert_eq!(item["attention"], json!("late_dispatch"), "{item}");
    }
    let (row, report) = stage.is_named(&id, Cause::Late, Side::OrderService).await;
    assert!(row.overdue && report.is_anything_overdue(), "{report}");
    assert!(report.to_string().contains("late (overdue)"), "{report}");
    Ok(())
}
