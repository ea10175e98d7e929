//! The journey as it is shown.

use std::fmt;

use anyhow::Result;
use chrono::DateTime;
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;
use shared_events::OrderId;
use uuid::Uuid;

use super::known::Journey;
use super::merge::{Entry, timeline};
use crate::services::{Side, Sides};
use crate::table::table;
use crate::topics::{self, Found, KafkaSettings};

/// What came of asking one side.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// It knows this.
    Knows(Journey),
    /// It has never heard of the order.
    KnowsNothing,
    /// It could not be asked.
    NotSeen {
        /// Why not.
        why: String,
    },
}

impl Sight {
    pub(super) fn of(asked: Result<Option<Journey>>) -> Self {
        match asked {
            Ok(Some(journey)) => Sight::Knows(journey),
            Ok(None) => Sight::KnowsNothing,
            Err(error) => Sight::NotSeen { why: format!("{error:#}") },
        }
    }

    fn journey(&self) -> Option<&Journey> {
        match self {
            Sight::Knows(journey) => Some(journey),
            Sight::KnowsNothing | Sight::NotSeen { .. } => None,
        }
    }
}

/// What both sides know.
#[derive(Clone, Debug, Serialize)]
pub struct Merged {
    /// Of which order.
    pub order_id: Uuid,
    /// Everything that happened, in order.
    pub timeline: Vec<Entry>,
    /// What the order side said.
    pub order_service: Sight,
    /// What the delivery side said.
    pub delivery_service: Sight,
    /// What lies on the topics under this order's id and no line announces; only where the topics were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unannounced: Option<Vec<Found>>,
}

impl Merged {
    pub(super) fn of(order_id: Uuid, sights: Sides<Sight>) -> Self {
        let journey = |sight: &Sight| sight.journey().cloned().unwrap_or_default();
        let journeys = Sides { orders: journey(&sights.orders), deliveries: journey(&sights.deliveries) };
        let timeline = timeline(&journeys);
        Self {
            order_id,
            timeline,
            order_service: sights.orders,
            delivery_service: sights.deliveries,
            unannounced: None,
        }
    }

    /// Says of each announcement where it lies on its topic, every copy of it. Reads both topics from where the
    /// journey begins, and moves `progress` on with each record.
    ///
    /// # Errors
    /// Kafka does not answer, or a topic is missing.
    pub async fn locate(&mut self, kafka: &KafkaSettings, progress: &ProgressBar) -> Result<()> {
        let began = self.timeline.first().map_or(DateTime::UNIX_EPOCH, |first| first.at);
        let mut found = topics::find(kafka, OrderId(self.order_id), began, progress).await?;
        for entry in &mut self.timeline {
            let Some(version) = entry.announces() else { continue };
            let topic = chassis::messaging::topics::name(kafka, entry.side.announces_on());
            entry.places = Some(found.extract_if(.., |one| one.topic == topic && one.version == version.0).collect());
        }
        self.unannounced = Some(found);
        Ok(())
    }

    /// Whether both sides could be asked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.sights().iter().all(|(_, sight)| !matches!(sight, Sight::NotSeen { .. }))
    }

    /// Whether either side knows the order.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.sights().iter().any(|(_, sight)| sight.journey().is_some())
    }

    fn sights(&self) -> [(Side, &Sight); 2] {
        [(Side::OrderService, &self.order_service), (Side::DeliveryService, &self.delivery_service)]
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.timeline.iter().map(row).collect();
        writeln!(f, "{}", table(["TIME", "AFTER", "SIDE", "WHAT", "VERSION", "STATUS", "CAUSE"], &rows))?;
        for (side, sight) in self.sights() {
            writeln!(f)?;
            match sight {
                Sight::Knows(journey) => now(f, side, journey)?,
                Sight::KnowsNothing => writeln!(f, "{side} knows nothing of this order.")?,
                Sight::NotSeen { why } => writeln!(f, "{side} could not be asked: {why}.")?,
            }
        }
        for found in self.unannounced.iter().flatten() {
            let Found { topic, partition, offset, version, kind, .. } = found;
            writeln!(
                f,
                "\n{topic} {partition}@{offset}: {kind} v{version}, which nobody has announced as far as the logs go."
            )?;
        }
        Ok(())
    }
}

fn row(entry: &Entry) -> [String; 7] {
    [
        entry.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        entry.after_ms.map_or_else(String::new, |ms| format!("{ms:+} ms")),
        entry.side.to_string(),
        format!("{}{}", entry.what, entry.places.as_deref().map(places).unwrap_or_default()),
        entry.version.map_or_else(String::new, |version| version.to_string()),
        entry.status.clone().unwrap_or_default(),
        entry.cause.clone().unwrap_or_default(),
    ]
}

/// ` (orders 2@17, 2@31)`: the partition and the offset of each copy.
fn places(found: &[Found]) -> String {
    let copies: Vec<String> = found.iter().map(|one| format!("{}@{}", one.partition, one.offset)).collect();
    match found.first() {
        Some(first) => format!(" ({} {})", first.topic, copies.join(", ")),
        None => " (not on its topic)".to_owned(),
    }
}

/// How it stands there now, and what may still come.
fn now(f: &mut fmt::Formatter<'_>, side: Side, journey: &Journey) -> fmt::Result {
    write!(f, "{side}: {}", journey.status.as_deref().unwrap_or("nothing of it yet"))?;
    if let Some(waiting) = &journey.waiting_for {
        let until = waiting
            .until
            .map_or("its time is up".to_owned(), |until| format!("until {}", until.format("%Y-%m-%dT%H:%M:%SZ")));
        write!(f, ", waits for {} ({until})", waiting.what)?;
    }
    if let Some(attention) = &journey.attention {
        write!(f, ", needs attention: {attention}")?;
    }
    writeln!(f)?;
    let prospects =
        journey.may_come.iter().map(|prospect| format!("  {} → {}", coming(prospect), text(&prospect["leads_to"])));
    prospects.into_iter().try_for_each(|line| writeln!(f, "{line}"))
}

/// `DeliveryFailed (creation)`, `cancellation (customer)`, `fail (lost)`, `deadline`.
fn coming(prospect: &Value) -> String {
    let named = ["event", "command"].into_iter().find_map(|name| prospect[name].as_str());
    let name = named.unwrap_or_else(|| text(&prospect["comes"]));
    let more = ["stage", "by", "reason"].into_iter().find_map(|name| prospect[name].as_str());
    more.map_or_else(|| name.to_owned(), |more| format!("{name} ({more})"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
