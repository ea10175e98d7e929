//! A service as it is started.

use anyhow::{Context, ensure};
use http::StatusCode;
use tests::{PATIENCE, Pair, Service, Shop, eventually, order_of};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_has_its_partitions_before_its_first_order() -> Result<()> {
    let pair = Pair::start(Env::new("firstorder").await).await;
    let shop = pair.shop();
    shop.sells("A", 10).await?;
    shop.serves("harbour", "2", 10).await?;
    shop.place(&order_of(&[("A", 1)], "20457")).await?.require(StatusCode::CREATED)?;
    pair.settles().await;
    let (orders, deliveries) = pair.pools();
    for (pool, service) in [(&orders, &pair.orders), (&deliveries, &pair.deliveries)] {
        let outside =
            "select count(*) filter (where tableoid = 'event_log_default'::regclass), count(*) from event_log";
        let outside: (i64, i64) = sqlx::query_as(outside).fetch_one(pool).await?;
        assert_eq!(outside, (0, 1));
        made_before_it_listens(service)?;
        eventually("the gauges tell", PATIENCE, async || gauges_tell(&shop, service).await).await;
    }
    the_operator_misses_nothing_when_it_is_gone(&orders, &deliveries).await
}

fn made_before_it_listens(service: &Service) -> Result<()> {
    let log = std::fs::read_to_string(service.log_path())?;
    let (before, _) = log.split_once("listens on").context("it listens")?;
    assert_eq!(before.matches("the event log has the partition").count(), 3, "{log}");
    Ok(())
}

async fn gauges_tell(shop: &Shop, service: &Service) -> Result<()> {
    let gauge = async |name| shop.counter(&service.url(), name).await;
    let (partitions, bytes) = (gauge("event_log_partitions").await?, gauge("event_log_bytes").await?);
    ensure!(partitions == 3.0 && bytes > 0.0, "{partitions} partitions, {bytes} bytes");
    for none in ["idempotency_keys_kept", "parked_events_resolved", "event_log_events_outside_partitions"] {
        ensure!(gauge(none).await? == 0.0, "{none}");
    }
    Ok(())
}

/// The log is dropped under the services, which think nothing of it; and what it forgot is not taken for lost.
async fn the_operator_misses_nothing_when_it_is_gone(orders: &PgPool, deliveries: &PgPool) -> Result<()> {
    let later = chassis::clock::now() + RETENTION.event_log + TimeDelta::days(30);
    for pool in [orders, deliveries] {
        let janitor = Janitor::new(Open::default(), pool.clone(), RETENTION);
        eventually("everything is dropped", PATIENCE, async || {
            let turn = janitor.step(later).await?;
            let left: i64 = sqlx::query_scalar("select count(*) from event_log").fetch_one(pool).await?;
            ensure!(left == 0, "{left} events are left: {turn:?}");
            anyhow::Ok(())
        })
        .await;
    }
    let report = sagactl::verify::check(orders, deliveries, sagactl::verify::Options::default()).await?;
    ensure!(report.holds() && report.checked.events == 0, "{report}");
    Ok(())
}
