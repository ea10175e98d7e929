//! A check that cannot fail is a defect: every invariant is broken by hand, and `verify` has to name it.

mod breaks;
mod pair;
mod partial;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::{Postgres, Progress};
use sagactl::verify::{self, Invariant, Options, WaitingFor};

use crate::breaks::{Break, Side};
use crate::pair::{Pair, numbered};

/// Nothing moves in these databases, so there is nothing to wait for.
const AT_ONCE: Options = Options { most: 20, patience: Duration::from_millis(1) };

#[tokio::test]
async fn each_broken_invariant_is_named() -> Result<()> {
    let postgres = Postgres::start(&Progress::hidden()).await?;
    let pair = Pair::make(&postgres, "broken").await?;
    let mut failures = Vec::new();
    for one in breaks::all() {
        if let Err(error) = is_named(&pair, one).await {
            failures.push(format!("{}: {}: {error:#}", one.invariant, one.sql));
        }
    }
    pair.remove(&postgres).await?;
    ensure!(failures.is_empty(), "{} of {}:\n{}", failures.len(), breaks::all().count(), failures.join("\n\n"));
    Ok(())
}

async fn is_named(pair: &Pair, one: &Break) -> Result<()> {
    pair.make_whole().await?;
    pair.break_by_hand(one.side, one.sql).await?;
    let report = verify::check(&pair.orders, &pair.deliveries, AT_ONCE).await?;
    let subject = numbered(one.subject);
    let is_it = report.findings.iter().any(|finding| {
        finding.invariant == one.invariant && finding.subject == subject && finding.evidence.contains(one.evidence)
    });
    ensure!(!report.holds() && is_it, "not named; the report was:\n{report}");
    Ok(())
}

/// Those that take the topics: in `tests/saga/verify`, with a broker.
#[test]
fn every_invariant_is_broken_somewhere() {
    for invariant in Invariant::ALL.iter().filter(|invariant| !invariant.needs_topics()) {
        assert!(breaks::all().any(|one| one.invariant == *invariant), "{invariant}");
    }
}

#[tokio::test]
async fn what_can_be_looked_at_is_judged_and_each_finding_says_how_sure_it_is() -> Result<()> {
    let postgres = Postgres::start(&Progress::hidden()).await?;
    let pair = Pair::make(&postgres, "partial").await?;
    let judged = partial::what_is_there_is_judged(&pair).await.context("judged");
    let found = partial::what_is_broken_is_found_all_the_same(&pair).await.context("found");
    let sure = partial::each_finding_says_how_sure_it_is(&pair).await.context("sure");
    pair.remove(&postgres).await?;
    judged.and(found).and(sure)
}

#[tokio::test]
async fn where_nothing_is_broken_nothing_is_found_and_what_is_waited_for_is_told() -> Result<()> {
    let postgres = Postgres::start(&Progress::hidden()).await?;
    let pair = Pair::make(&postgres, "whole").await?;
    let looked = clean(&pair).await.context("clean").and(settled(&pair).await.context("settled"));
    let looked = looked.and(forgotten(&pair).await.context("forgotten"));
    let ended = exit_statuses(&pair).await.context("exit statuses");
    pair.remove(&postgres).await?;
    looked.and(ended)
}

async fn clean(pair: &Pair) -> Result<()> {
    pair.make_whole().await?;
    let report = verify::check(&pair.orders, &pair.deliveries, AT_ONCE).await?;
    ensure!(report.holds() && report.findings.is_empty(), "{report}");
    ensure!(report.topics.is_none() && report.to_string().matches("not looked at (--topics)").count() == 2, "{report}");
    let waiting: Vec<(WaitingFor, u64)> = report.waiting.into_iter().collect();
    let expected = [
        WaitingFor::Dispatch,
        WaitingFor::HandOver,
        WaitingFor::RelayOfOrderService,
        WaitingFor::RelayOfDeliveryService,
        WaitingFor::ParkedAtDeliveryService,
    ];
    ensure!(waiting == expected.map(|cause| (cause, 1)), "{waiting:?}");
    ensure!(report.checked.orders == 10 && report.checked.events == 13 + 15, "{:?}", report.checked);
    Ok(())
}

/// What the log need not keep any more is not missed: all of an old order's events, or the first of them.
async fn forgotten(pair: &Pair) -> Result<()> {
    for gone in ["order_id < #10", "version = 1 and order_id < #10", "version < 3 and order_id < #10"] {
        pair.make_whole().await?;
        for side in [Side::Orders, Side::Deliveries] {
            let forget = format!(
                "insert into event_log_horizon (before) values (#10);
                 delete from event_log where {gone} and order_id not in (select order_id from outbox)"
            );
            pair.break_by_hand(side, &forget).await?;
        }
        let report = verify::check(&pair.orders, &pair.deliveries, AT_ONCE).await?;
        ensure!(report.holds(), "{gone}: {report}");
        ensure!(report.checked.events < 13 + 15, "{gone}: {:?}", report.checked);
    }
    Ok(())
}

/// An event that arrives while we look is no violation.
async fn settled(pair: &Pair) -> Result<()> {
    pair.make_whole().await?;
    pair.break_by_hand(Side::Orders, "delete from outbox").await?;
    let patient = Options { patience: Duration::from_secs(20), ..AT_ONCE };
    let arrives = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        pair.park_the_first().await
    };
    let (report, arrived) = tokio::join!(verify::check(&pair.orders, &pair.deliveries, patient), arrives);
    arrived?;
    let report = report?;
    ensure!(report.holds() && report.settled == 1, "{report}");
    ensure!(report.waiting.get(&WaitingFor::OnTheWayToDeliveryService) == Some(&1), "{report}");
    Ok(())
}

/// 0: holds. 1: is broken. 2: could not look.
async fn exit_statuses(pair: &Pair) -> Result<()> {
    pair.make_whole().await?;
    let holds = pair.run_verify(&[]).await?;
    let swapped = pair.run_verify(&["--orders-database", &pair.deliveries_url]).await?;
    pair.break_by_hand(Side::Orders, "update products set reserved = 9 where sku = 'LAMP'").await?;
    let broken = pair.run_verify(&["--json"]).await?;
    ensure!(holds.status.code() == Some(0), "{holds:?}");
    let said = String::from_utf8_lossy(&swapped.stdout);
    ensure!(swapped.status.code() == Some(2) && said.contains("is it the other one"), "{swapped:?}");
    ensure!(broken.status.code() == Some(1), "{broken:?}");
    let report: serde_json::Value = serde_json::from_slice(&broken.stdout)?;
    ensure!(report["findings"][0]["subject"] == "sku LAMP" && report["violations"]["I5"] == 1, "{report}");
    Ok(())
}
