//! `/parked-events`: what could not be applied, one by one and by cause.

use std::{str::FromStr, sync::Arc};

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use shared_events::OrderId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{ALIKE, EVENT_TYPE, Operations, Time};
use crate::{
    database::list_snapshot,
    http::{Answer, Page, Parameters, Path, Problem},
    messaging::{CAUSES, Reactions},
};

/// How many groups are shown at most; the largest come first.
const MOST_GROUPS: i64 = 100;
/// How many of those that wait behind one are shown.
const MOST_BEHIND: i64 = 100;

/// How far a parked event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not resolved.
    Waiting,
    /// Not resolved, and not tried any more by itself.
    Resting,
    Resolved,
    All,
}

impl Stage {
    const NAMES: [(Stage, &'static str); 4] =
        [(Stage::Waiting, "waiting"), (Stage::Resting, "resting"), (Stage::Resolved, "resolved"), (Stage::All, "all")];

    fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(stage, _)| *stage == self).map_or("all", |(_, name)| name)
    }
}

impl FromStr for Stage {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.into_iter().find(|(_, name)| *name == text).map(|(stage, _)| stage).ok_or(())
    }
}

/// A parked event without its bytes.
#[derive(Debug, Serialize)]
struct Parked {
    id: Uuid,
    topic: String,
    partition: i32,
    offset: i64,
    order_id: Option<Uuid>,
    version: Option<i64>,
    /// As its headers say; it may be that nobody can read more of it.
    event_type: Option<String>,
    cause: String,
    error: String,
    attempts: i32,
    /// None: nobody tries it until something before it is applied, or somebody replays it.
    next_attempt_at: Option<Time>,
    parked_at: Time,
    dead_letter_sent_at: Option<Time>,
    resolved_at: Option<Time>,
    resolution: Option<String>,
    /// How many later events of its order wait.
    behind: i64,
}

/// Which parked events are asked for.
struct Asked {
    causes: Vec<String>,
    event_type: Option<String>,
    /// As a group shows it.
    error: Option<String>,
    order_id: Option<OrderId>,
    stage: Stage,
}

impl Asked {
    fn read(asked: &mut Parameters) -> Self {
        let causes: Vec<String> = asked.several("cause", &CAUSES.join(", "));
        if causes.iter().any(|cause| !CAUSES.contains(&cause.as_str())) {
            asked.refuse("cause", format!("has to be one or several of {}, separated by commas", CAUSES.join(", ")));
        }
        let event_type = asked.optional_text("event_type", EVENT_TYPE);
        let error = asked.optional_text("error", ALIKE);
        let order_id = asked.optional::<OrderId>("order_id", "the id of an order");
        let stage = asked.optional("state", &Stage::NAMES.map(|(_, name)| name).join(", ")).unwrap_or(Stage::Waiting);
        Self { causes, event_type, error, order_id, stage }
    }
}

/// `GET /parked-events`: the oldest first.
pub(super) async fn list<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    mut parameters: Parameters,
) -> Result<Answer, Problem> {
    let asked = Asked::read(&mut parameters);
    let page = Page::<Uuid>::read(&mut parameters);
    parameters.finish()?;
    let parked = page_of_parked(&operations.pool, &asked, &page).await?;
    Ok(page.answer(parked, |one| one.id))
}

async fn page_of_parked(pool: &PgPool, asked: &Asked, page: &Page<Uuid>) -> sqlx::Result<Vec<Parked>> {
    let mut snapshot = list_snapshot(pool).await?;
    sqlx::query_as!(
        Parked,
        r#"select id, topic, "partition", "offset", order_id, version, event_type(parked) as event_type,
                  cause, error, attempts, next_attempt_at, parked_at, dead_letter_sent_at, resolved_at, resolution,
                  (select count(*) from parked_events later
                   where later.order_id = parked.order_id and later.version > parked.version and later.resolved_at is null) as "behind!"
           from parked_events parked
           where id > $1
             and (cardinality($2::text[]) = 0 or cause = any ($2))
             and ($3::uuid is null or order_id = $3)
             and case $4::text when 'waiting' then resolved_at is null
                               when 'resting' then resolved_at is null and next_attempt_at is null and cause <> 'gap'
                               when 'resolved' then resolved_at is not null
                               else true end
             and ($5::text is null or event_type(parked) = $5)
             and ($6::text is null or alike(error) = $6)
           order by id limit $7"#,
        page.after.unwrap_or(Uuid::nil()),
        &asked.causes,
        asked.order_id.map(|order_id| order_id.0),
        asked.stage.name(),
        asked.event_type,
        asked.error,
        page.rows(),
    )
    .fetch_all(&mut *snapshot)
    .await
}

/// Those that wait for the same reason.
#[derive(Debug, Serialize)]
struct Group {
    cause: String,
    event_type: Option<String>,
    /// With everything left out by which one differs from another: by this text the whole group is listed, and replayed.
    error: Option<String>,
    events: i64,
    orders: i64,
    oldest: Option<Time>,
    youngest: Option<Time>,
    /// One of them.
    example: Option<Uuid>,
}

/// `GET /parked-events/groups`: what waits, by cause, type and error, the most first.
pub(super) async fn groups<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    asked: Parameters,
) -> Result<Answer, Problem> {
    asked.finish()?;
    let groups = sqlx::query_as!(
        Group,
        r#"select cause, event_type(parked) as event_type, alike(error) as error, count(*) as "events!",
                  count(distinct order_id) as "orders!", min(parked_at) as oldest, max(parked_at) as youngest,
                  (array_agg(id order by id))[1] as example
           from parked_events parked where resolved_at is null
           group by 1, 2, 3
           order by 4 desc, 1 limit $1"#,
        MOST_GROUPS
    );
    let groups = groups.fetch_all(&operations.pool).await?;
    Ok(Answer::json(StatusCode::OK, &serde_json::json!({ "items": groups })))
}

/// What a record carries, byte for byte: as text where it is one, else in hexadecimal digits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bytes {
    Json(Value),
    Text(String),
    Hex(String),
}

impl Bytes {
    fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => match serde_json::from_str::<Value>(&text) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => Bytes::Json(value),
                Ok(_) | Err(_) => Bytes::Text(text),
            },
            Err(error) => Bytes::Hex(error.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Header {
    name: String,
    value: Option<Bytes>,
}

/// One that waits behind another.
#[derive(Debug, Serialize)]
struct Behind {
    id: Uuid,
    version: Option<i64>,
    event_type: Option<String>,
    cause: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    parked: Parked,
    key: Option<Bytes>,
    headers: Vec<Header>,
    payload: Option<Bytes>,
    waiting_behind: Vec<Behind>,
}

/// `GET /parked-events/{id}`: with all its bytes, and what waits behind it.
pub(super) async fn show<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    Path(id): Path<Uuid>,
) -> Result<Answer, Problem> {
    let row = sqlx::query!(
        r#"select id, topic, "partition", "offset", order_id, version, event_type(parked) as event_type,
                  cause, error, attempts, next_attempt_at, parked_at, dead_letter_sent_at, resolved_at, resolution, key,
                  header_names, header_values as "header_values: Vec<Option<Vec<u8>>>", payload
           from parked_events parked where id = $1"#,
        id
    );
    let row = row.fetch_optional(&operations.pool).await?.ok_or_else(|| Problem::not_found("parked event"))?;
    let waiting_behind = behind(&operations.pool, row.order_id, row.version).await?;
    let values = row.header_values.into_iter().map(|value| value.map(Bytes::of));
    let headers = row.header_names.into_iter().zip(values).map(|(name, value)| Header { name, value }).collect();
    let parked = Parked {
        id: row.id,
        topic: row.topic,
        partition: row.partition,
        offset: row.offset,
        order_id: row.order_id,
        version: row.version,
        event_type: row.event_type,
        cause: row.cause,
        error: row.error,
        attempts: row.attempts,
        next_attempt_at: row.next_attempt_at,
        parked_at: row.parked_at,
        dead_letter_sent_at: row.dead_letter_sent_at,
        resolved_at: row.resolved_at,
        resolution: row.resolution,
        behind: i64::try_from(waiting_behind.len()).unwrap_or(MOST_BEHIND),
    };
    let (key, payload) = (row.key.map(Bytes::of), row.payload.map(Bytes::of));
    Ok(Answer::json(StatusCode::OK, &Shown { parked, key, headers, payload, waiting_behind }))
}

async fn behind(pool: &PgPool, order_id: Option<Uuid>, version: Option<i64>) -> sqlx::Result<Vec<Behind>> {
    sqlx::query_as!(
        Behind,
        "select id, version, event_type(parked) as event_type, cause
           from parked_events parked
           where order_id = $1 and version > $2 and resolved_at is null
           order by version limit $3",
        order_id,
        version,
        MOST_BEHIND
    )
    .fetch_all(pool)
    .await
}
