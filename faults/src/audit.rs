//! The independent auditor: reads the journal, both databases by plain SQL, and both topics from offset 0. It shares no code with the
//! services but the contract.

mod asked;
mod deliveries;
mod offsets;
mod orders;
mod parked;
mod published;
mod sides;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use self::asked::Asked;
use self::published::{Log, Published};
use self::sides::{Placed, Planned, both_sides};
use crate::archive::Archive;
use crate::broker;
use crate::fault::Side;
use crate::load::journal::Line;

/// One sentence that must be true, and everything that contradicts it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub name: &'static str,
    pub says: &'static str,
    pub violations: Vec<String>,
}

/// The name of a sentence, the sentence, and the statement that finds what contradicts it.
type Check = (&'static str, &'static str, &'static str);

/// How much there is to be looked at.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    pub requests: usize,
    pub acknowledged: usize,
    /// Acknowledged, besides the orders: cancellations, and what the staff did.
    pub commands: usize,
    /// Orders, cancellations and commands.
    pub refused: usize,
    pub open: usize,
    pub orders: usize,
    pub deliveries: usize,
    /// Records that nobody can read.
    pub poison: u64,
    /// Events on both topics, and how many of them are there once more.
    pub published: usize,
    pub repeats: usize,
}

/// Where the auditor looks.
pub struct Evidence<'a> {
    pub journal: &'a [Line],
    pub databases: [&'a PgPool; 2],
    pub bootstrap: &'a str,
    pub archive: &'a Archive,
}

impl Evidence<'_> {
    /// Everything that must be true, once the pair has come to rest.
    pub async fn audit(&self) -> Result<(Vec<Finding>, Seen)> {
        let (mut findings, mut seen) = self.stored().await?;
        let mut topics = Vec::new();
        for side in Side::BOTH {
            topics.push(self.published(side, &mut findings).await?);
        }
        findings.push(published::answered(&topics[0], &topics[1]));
        seen.published = topics.iter().map(Vec::len).sum();
        seen.repeats = topics.iter().map(|topic| published::repeats(topic)).sum();
        Ok((findings, seen))
    }

    /// What the databases, the journal and the consumers' offsets tell: all that changes while things come to rest.
    pub async fn stored(&self) -> Result<(Vec<Finding>, Seen)> {
        let [orders, deliveries] = self.databases;
        let (mut findings, mut parked) = (Vec::new(), Vec::new());
        for (pool, checks) in [(orders, orders::CHECKS.as_slice()), (deliveries, deliveries::CHECKS.as_slice())] {
            for check in checks {
                findings.push(found(pool, check).await?);
            }
            let waits =
                "select topic, partition, \"offset\", cause, error from parked_events where resolved_at is null";
            parked.extend(sqlx::query_as(waits).fetch_all(pool).await?);
        }
        let poison = self.archive.poison();
        findings.push(parked::only_poison(&poison, &parked));
        let (placed, planned) = (Placed::all(orders).await?, Planned::all(deliveries).await?);
        let asked = Asked::of(self.journal);
        findings.push(both_sides(&placed, &planned));
        findings.push(asked.nothing_lost(&placed));
        findings.push(asked.nothing_refused_is_there(&placed, &planned));
        findings.push(asked.all_done(&placed, &planned));
        findings.push(self.all_read().await);
        let is_open = |order: &&Placed| !asked.acknowledged.contains_key(order.customer.as_str());
        let seen = Seen {
            requests: asked.requests,
            acknowledged: asked.acknowledged.len(),
            commands: asked.done.len(),
            refused: asked.refused.len() + asked.denied.len(),
            open: placed.iter().filter(is_open).count(),
            orders: placed.len(),
            deliveries: planned.len(),
            poison: poison.values().map(|times| times.at_most).sum(),
            ..Seen::default()
        };
        Ok((findings, seen))
    }

    /// Offsets are committed in the background, so what is applied is read to the end a moment later.
    async fn all_read(&self) -> Finding {
        let mut violations = Vec::new();
        for side in Side::BOTH {
            let reader = side.other().service();
            match broker::positions(self.bootstrap, reader, side.announces_on()).await {
                Ok(positions) => violations.extend(offsets::not_at_the_end(reader, &positions)),
                // A coordinator that is not there yet is waited for, like all the rest.
                Err(error) => violations.push(format!("{reader}: {error:#}")),
            }
        }
        Finding { name: "offsets", says: "every partition is read to its end, and not beyond", violations }
    }

    /// What one topic tells by itself, and compared with the log of who announces there and with what was taken in by who reads there.
    async fn published(&self, side: Side, findings: &mut Vec<Finding>) -> Result<Vec<Published>> {
        let topic = side.announces_on();
        let (published, readable) = published::events(topic, self.archive.all(self.bootstrap, side).await?);
        let log = log(self.databases[side.index()]).await?;
        let seen = seen(self.databases[side.other().index()]).await?;
        findings.extend([
            readable,
            published::in_order(&published),
            published::keyed(&published),
            published::repeats_are_the_same(&published),
            published::as_logged(&published, &log),
            published::taken_in(side.other().service(), &published, &seen),
        ]);
        Ok(published)
    }
}

async fn found(database: impl PgExecutor<'_>, (name, says, check): &Check) -> Result<Finding> {
    Ok(Finding { name, says, violations: sqlx::query_scalar(*check).fetch_all(database).await? })
}

async fn log(pool: &PgPool) -> Result<Log> {
    let all = "select order_id, version, event_id, event_type from event_log";
    let rows: Vec<(Uuid, i64, Uuid, String)> = sqlx::query_as(all).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(order, version, id, kind)| ((order, version), (id, kind))).collect())
}

async fn seen(pool: &PgPool) -> Result<HashMap<Uuid, i64>> {
    // A row that has seen nothing only holds the place of an order of which something is parked.
    let all = "select order_id, seen from inbox where seen > 0";
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(all).fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}
