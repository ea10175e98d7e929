//! Some orders by themselves, as they are now: the same snapshots, and the topics read on to their new ends.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use uuid::Uuid;

use super::check::Check;
use super::look::{self, Notes};
use super::report::Finding;
use super::sides;
use crate::services::Side;

/// How an order stands now.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// What contradicts itself, unless it is in flight.
    pub findings: BTreeSet<Finding>,
    unsent: BTreeSet<(Side, i64)>,
    parked: BTreeSet<(Side, i64)>,
}

impl Now {
    /// Whether this side's event is in its outbox.
    pub fn is_unsent(&self, owner: Side, version: i64) -> bool {
        self.unsent.contains(&(owner, version))
    }

    /// Whether this side's event is parked at the other one.
    pub fn is_parked(&self, owner: Side, version: i64) -> bool {
        self.parked.contains(&(owner, version))
    }
}

impl Check<'_> {
    /// Looks at these orders, as far as it takes both databases or a topic to see something.
    pub(crate) async fn look_at(&mut self, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Now>> {
        let mut snapshot = self.both_databases().await?;
        self.read_on().await?;
        let mut found = look::at(&mut snapshot, self.published.as_mut(), ids, &mut Notes::default()).await?;
        let (here, there) = snapshot.both();
        let sagas = sides::sagas(here, there, ids).await?;
        snapshot.end().await?;
        let now = sagas.into_iter().map(|saga| {
            let of =
                |versions: &[i64], owner: Side| versions.iter().map(|version| (owner, *version)).collect::<Vec<_>>();
            let unsent = Side::BOTH.into_iter().flat_map(|side| of(&saga.at(side).unsent, side)).collect();
            let parked = Side::BOTH.into_iter().flat_map(|side| of(&saga.at(side).parked, side.other())).collect();
            (saga.order_id, Now { findings: found.remove(&saga.order_id).unwrap_or_default(), unsent, parked })
        });
        Ok(now.collect())
    }
}
