//! A rule: one query that finds nothing while its invariant holds.

use std::borrow::Cow;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection};

use super::report::{Finding, Invariant};

/// What one service's database alone can show to be broken.
pub(super) struct Rule {
    pub invariant: Invariant,
    /// What it finds, for the error when the database cannot answer.
    pub looks_for: &'static str,
    /// Gives a row for each violation: `subject` (which order, sku, slot…) and `evidence` (a sentence with the figures).
    pub sql: Cow<'static, str>,
}

impl Rule {
    pub const fn of(invariant: Invariant, looks_for: &'static str, sql: &'static str) -> Self {
        Self { invariant, looks_for, sql: Cow::Borrowed(sql) }
    }

    /// The first `most` violations, and how many there are.
    pub async fn broken(&self, database: &mut PgConnection, most: usize) -> Result<(Vec<Finding>, u64)> {
        let sql = format!(
            "select subject, evidence, count(*) over () as total from ({}) as broken order by subject, evidence limit $1",
            self.sql
        );
        // Made of our own constants and nothing else.
        let rows: Vec<Evidence> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(i64::try_from(most)?)
            .fetch_all(database)
            .await
            .with_context(|| format!("it could not be looked for {}", self.looks_for))?;
        let total = rows.first().map_or(0, |row| row.total).unsigned_abs();
        let invariant = self.invariant;
        let finding = |row: Evidence| Finding::new(invariant, row.subject, row.evidence);
        Ok((rows.into_iter().map(finding).collect(), total))
    }
}

#[derive(sqlx::FromRow)]
struct Evidence {
    subject: String,
    evidence: String,
    total: i64,
}
