//! One database is missing: it is said, the rest is judged, and the exit status tells.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::breaks::Side;
use crate::pair::Pair;

/// Nobody listens there.
const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/nothing";

async fn ended(command: &mut Command) -> Result<(Option<i32>, String, String)> {
    let output = command.output().await?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((output.status.code(), text(output.stdout), text(output.stderr)))
}

/// What is missing is named; what is there is judged, alone.
pub async fn what_is_there_is_judged(pair: &Pair) -> Result<()> {
    pair.make_whole().await?;
    for (variable, whose, flag, [whole, in_part, not_at_all]) in [
        ("DELIVERIES_DATABASE_URL", "delivery-service", "--deliveries-database", ["I2", "I4", "I6"]),
        ("ORDERS_DATABASE_URL", "order-service", "--orders-database", ["I6", "I7", "I5"]),
    ] {
        let (status, said, _) = ended(pair.verify(&[]).env_remove(variable)).await?;
        let reason = format!("{whose}'s database could not be looked at: {flag} is missing.");
        ensure!(status == Some(2) && said.contains(&reason), "{status:?}: {said}");
        let row = |invariant: &str| said.lines().find(|line| line.split(' ').next() == Some(invariant));
        for (invariant, outcome) in
            [(whole, "  holds"), (in_part, "  holds as far as it was looked"), (not_at_all, "  not looked at")]
        {
            ensure!(row(invariant).is_some_and(|row| row.ends_with(outcome)), "{invariant}: {said}");
        }
    }
    let (status, said, complaint) =
        ended(pair.verify(&[]).env("ORDERS_DATABASE_URL", NOWHERE).env("DELIVERIES_DATABASE_URL", NOWHERE)).await?;
    ensure!(status == Some(2) && said.is_empty(), "{status:?}: {said}");
    ensure!(complaint.contains("order-service's") && complaint.contains("delivery-service's"), "{complaint}");
    let mut none = pair.verify(&[]);
    let (status, ..) = ended(none.env_remove("ORDERS_DATABASE_URL").env_remove("DELIVERIES_DATABASE_URL")).await?;
    ensure!(status == Some(2), "{status:?}");
    Ok(())
}

/// What is broken on the side that is there is found, and outweighs that something is missing.
pub async fn what_is_broken_is_found_all_the_same(pair: &Pair) -> Result<()> {
    for (side, sql, missing, at, broken) in [
        (
            Side::Orders,
            "update products set reserved = 9 where sku = 'LAMP'",
            "DELIVERIES_DATABASE_URL",
            "deliveries_database",
            "I5",
        ),
        (Side::Deliveries, "update couriers set load = load + 1", "ORDERS_DATABASE_URL", "orders_database", "I6"),
    ] {
        pair.make_whole().await?;
        pair.break_by_hand(side, sql).await?;
        let (status, said, _) = ended(pair.verify(&["--json"]).env(missing, NOWHERE)).await?;
        let report: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
        ensure!(status == Some(1) && report["violations"][broken].as_u64() >= Some(1), "{status:?}: {report}");
        ensure!(report["not_looked"][0]["at"] == at, "{report}");
        let because = report["not_looked"][0]["because"].as_str().context("a reason")?;
        ensure!(because.contains("refused"), "{because}");
        ensure!(report["judged"]["I4"] == "in_part" || report["judged"]["I7"] == "in_part", "{report}");
        ensure!(report["judged"]["I8"] == "not_at_all", "{report}");
    }
    Ok(())
}

/// Within one snapshot there is nothing in flight; what takes both was looked at again, and it is said for how long.
pub async fn each_finding_says_how_sure_it_is(pair: &Pair) -> Result<()> {
    pair.make_whole().await?;
    pair.break_by_hand(Side::Orders, "update products set reserved = 9 where sku = 'LAMP'").await?;
    pair.break_by_hand(Side::Orders, "delete from outbox").await?;
    let (status, said, _) = ended(&mut pair.verify(&["--json"])).await?;
    let report: Value = serde_json::from_str(&said)?;
    let findings = report["findings"].as_array().context("findings")?;
    let of = |invariant: &str| findings.iter().find(|finding| finding["invariant"] == invariant);
    let (alone, both) = (of("I5").context("I5")?, of("I11").context("I11")?);
    ensure!(
        status == Some(1) && alone["certainty"] == "certain" && alone["looked_again_ms"] == json!(null),
        "{report}"
    );
    ensure!(both["certainty"] == "looked_again" && both["looked_again_ms"].as_u64() >= Some(1_000), "{report}");

    let (_, said, _) = ended(&mut pair.verify(&[])).await?;
    ensure!(said.contains("sku LAMP (certain)"), "{said}");
    ensure!(
        said.contains("(not of one moment; looked at again for ") && said.contains("may still be in flight"),
        "{said}"
    );
    Ok(())
}
