//! What one database shows alone: whatever is found is broken.

use anyhow::Result;

use super::report::Report;
use super::rule::Rule;
use super::snapshot::Database;
use super::{announced, changes, consumed, deadlines, money, places, stock};
use crate::services::Side;

/// Applies the rules of this database's side. At most so many violations of each are reported; all are counted.
pub(super) async fn apply_rules(database: &mut Database, most: usize, report: &mut Report) -> Result<()> {
    for rule in rules(database.side()) {
        let (findings, total) = rule.broken(database.connection(), most).await?;
        report.add(findings, total);
    }
    Ok(())
}

fn rules(side: Side) -> Vec<Rule> {
    match side {
        Side::OrderService => {
            let of_itself = money::RULES.into_iter().chain(stock::RULES).chain(deadlines::of_orders());
            of_itself.chain(changes::of_orders()).chain(announced::of_orders()).collect()
        }
        Side::DeliveryService => {
            let of_itself = places::RULES.into_iter().chain(consumed::RULES).chain(deadlines::of_deliveries());
            of_itself.chain(changes::of_deliveries()).chain(announced::of_deliveries()).collect()
        }
    }
}
