//! What this service has said of an order, what it has heard, and what is held back of it: the facts behind a journey, and behind the question why an order waits.

use std::{collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{EventId, OrderId, Topic, Version};
use sqlx::PgConnection;
use uuid::Uuid;

/// So many parked events are shown of one order: those that wait first, then the ones that were parked last.
const MOST_PARKED: i64 = 50;

/// Both directions of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// What was announced of it, as far as the log still has it, the first first.
    pub announced: Vec<Announcement>,
    /// The highest version of the other side's events that was applied; null where nothing of the order has come.
    pub seen: Option<Version>,
    /// What of the other side's events could not be applied when it came.
    pub parked: Vec<Parked>,
    /// What an operator holds back that may be in its way: it alone, or all that this service reads or sends.
    pub held: Vec<Held>,
}

/// A pause that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// `order`, `topic`, or `consumer` (one instance's).
    pub what: String,
    /// Which one.
    pub name: String,
    /// Who holds it back.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it goes on by itself.
    pub until: DateTime<Utc>,
}

/// An event that this service has announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its place among the order's events.
    pub version: Version,
    /// Its type.
    pub event: String,
    /// The same in every copy of it.
    pub event_id: EventId,
    /// When what it tells of was decided.
    pub at: DateTime<Utc>,
    /// The id of the event or of the request behind it.
    pub cause_id: String,
    /// Since when its pointer waits for the broker's acknowledgement; null once that came.
    pub unsent_since: Option<DateTime<Utc>>,
}

/// A record of the other side that is parked, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The row's own id.
    pub id: Uuid,
    /// Its place among the order's events; null where the record is too broken to tell.
    pub version: Option<Version>,
    /// Its type, as far as its headers tell.
    pub event: Option<String>,
    /// Why it was parked.
    pub cause: String,
    /// What was said about it.
    pub error: String,
    /// How many times it was tried.
    pub attempts: i32,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again; null while it rests, and for what waits behind another.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was applied or turned out to be stale.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Which of the two.
    pub resolution: Option<String>,
}

impl Lane {
    /// Whether nothing was ever said or heard here.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.announced.is_empty() && self.seen.is_none() && self.parked.is_empty()
    }

    /// The first event that has not gone out, if there is one.
    #[must_use]
    pub fn unsent(&self) -> Option<(&Announcement, DateTime<Utc>)> {
        self.announced.iter().find_map(|one| Some((one, one.unsent_since?)))
    }

    /// The first of what waits here, if anything does: the others wait for it.
    #[must_use]
    pub fn waiting(&self) -> Option<&Parked> {
        let waiting = self.parked.iter().filter(|parked| parked.resolved_at.is_none());
        waiting.min_by_key(|parked| (parked.version, parked.since))
    }
}

impl Held {
    /// Whether it keeps what a service announces on this topic from going out.
    #[must_use]
    pub fn holds_sending(&self, announces_on: Topic) -> bool {
        self.what == "topic" && self.name == announces_on.name()
    }

    /// Whether it keeps what comes from being applied, at the service that announces on this topic. A consumer's pause holds only what
    /// that instance reads, which may be the order's partition or not.
    #[must_use]
    pub fn holds_reading(&self, announces_on: Topic) -> bool {
        !self.holds_sending(announces_on)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, owner, reason, until } = self;
        let until = until.format("%Y-%m-%dT%H:%M:%SZ");
        write!(formatter, "the {what} {name} is held back by {owner} until {until}: {reason}")
    }
}

/// The lanes of these orders; none for those of which there is nothing, and nothing is held back. Of one moment if the connection shows one.
///
/// # Errors
/// The database's.
pub async fn lanes(connection: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, Lane>> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let mut lanes: HashMap<OrderId, Lane> = HashMap::new();
    for (order_id, seen) in read_seen(connection, &ids).await? {
        lanes.entry(order_id).or_default().seen = Some(seen);
    }
    for (order_id, announcement) in read_announced(connection, &ids).await? {
        lanes.entry(order_id).or_default().announced.push(announcement);
    }
    for (order_id, parked) in read_parked(connection, &ids).await? {
        lanes.entry(order_id).or_default().parked.push(parked);
    }
    let held = read_held(connection, &ids).await?;
    for order_id in orders {
        let id = order_id.to_string();
        let held: Vec<Held> = held.iter().filter(|held| held.what != "order" || held.name == id).cloned().collect();
        if !held.is_empty() {
            lanes.entry(*order_id).or_default().held = held;
        }
    }
    Ok(lanes)
}

/// The lane of this order; blank where there is nothing of it.
///
/// # Errors
/// The database's.
pub async fn lane(connection: &mut PgConnection, order_id: OrderId) -> sqlx::Result<Lane> {
    Ok(lanes(connection, &[order_id]).await?.remove(&order_id).unwrap_or_default())
}

async fn read_seen(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(OrderId, Version)>> {
    let rows = sqlx::query!("select order_id, seen from inbox where order_id = any ($1::uuid[])", ids);
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (OrderId(row.order_id), Version(row.seen))).collect())
}

async fn read_announced(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(OrderId, Announcement)>> {
    let rows = sqlx::query!(
        r#"select log.order_id, log.version, log.event_id, log.event_type, log.occurred_at, log.causation_id,
                  outbox.since as "unsent_since?"
           from event_log log
           left join outbox on outbox.order_id = log.order_id and outbox.version = log.version
           where log.order_id = any ($1::uuid[])
           order by log.order_id, log.version"#,
        ids
    )
    .fetch_all(connection)
    .await?;
    let announced = rows.into_iter().map(|row| {
        let announcement = Announcement {
            version: Version(row.version),
            event: row.event_type,
            event_id: EventId(row.event_id),
            at: row.occurred_at,
            cause_id: row.causation_id,
            unsent_since: row.unsent_since,
        };
        (OrderId(row.order_id), announcement)
    });
    Ok(announced.collect())
}

async fn read_parked(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<(OrderId, Parked)>> {
    // A record too broken to say whose it is still has its key, and under a key there are records of one order alone.
    let rows = sqlx::query!(
        r#"select asked.id as "order_id!", parked.id as "id!", version, cause as "cause!", error as "error!",
                  attempts as "attempts!", parked_at as "since!", next_attempt_at, resolved_at, resolution,
                  header_values[array_position(header_names, 'ce_type')] as "event?"
           from unnest($1::uuid[]) as asked (id)
           cross join lateral (
               (select * from parked_events where order_id = asked.id
                order by resolved_at is not null, version, parked_at desc limit $2)
               union all
               (select * from parked_events
                where order_id is null and resolved_at is null and key = convert_to(asked.id::text, 'UTF8') limit $2)
           ) as parked
           order by asked.id, version, parked_at"#,
        ids,
        MOST_PARKED
    )
    .fetch_all(connection)
    .await?;
    let parked = rows.into_iter().map(|row| {
        let parked = Parked {
            id: row.id,
            version: row.version.map(Version),
            event: row.event.map(|name| String::from_utf8_lossy(&name).into_owned()),
            cause: row.cause,
            error: row.error,
            attempts: row.attempts,
            since: row.since,
            next_attempt_at: row.next_attempt_at,
            resolved_at: row.resolved_at,
            resolution: row.resolution,
        };
        (OrderId(row.order_id), parked)
    });
    Ok(parked.collect())
}

async fn read_held(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Held>> {
    let names: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    sqlx::query_as!(
        Held,
        "select what, name, owner, reason, until from pauses
         where ended_at is null and until > now() and (what <> 'order' or name = any ($1::text[]))
         order by what, name",
        &names
    )
    .fetch_all(connection)
    .await
}
