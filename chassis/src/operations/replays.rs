//! `/replays`: a set of parked events, rehearsed and frozen when it is made, and replayed just so when somebody starts it.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared_events::{OrderId, Version};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Operations, Time,
    act::{Act, Begun, answered_before, keyed},
    reason,
    selection::{Chosen, Wanted},
};
use crate::{
    Tx, audit, clock,
    database::column,
    http::{Answer, Caller, Form, Page, Parameters, Path, Problem, in_a_task_of_its_own},
    messaging::{Inbox, Reactions, Rehearsed, Verdict, kept::Kept, lanes},
};

/// One event of a set, as it was rehearsed.
struct Member {
    parked_id: Uuid,
    place: Option<(OrderId, Version)>,
    rehearsed: Rehearsed,
}

/// `POST /replays`: rehearses and freezes a set. Nothing is replayed.
pub(super) async fn make<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let wanted = Wanted::read(form)?;
    in_a_task_of_its_own(async move {
        let keyed = keyed(&caller, &wanted);
        if let Some(answer) = answered_before(&operations.pool, keyed.as_ref()).await? {
            return Ok(answer);
        }
        let Chosen { events, left_out } = wanted.choose(&operations.pool).await?;
        if events.is_empty() {
            return Err(Problem::new(StatusCode::NOT_FOUND, "nothing_to_replay", "No parked event is like that."));
        }
        let mut members = Vec::with_capacity(events.len());
        for lane in lanes(events, Kept::place) {
            members.extend(rehearse(&operations.inbox, lane).await?);
        }
        let (id, now) = (clock::fresh_id(), clock::now());
        let mut act = match Act::begin(Tx::from(operations.pool.begin().await?), keyed).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        let made = sqlx::query!(
            "insert into replays (id, made_at, made_by, reason, per_second, left_out) values ($1, $2, $3, $4, $5, $6)",
            id,
            now,
            &*caller.principal.subject,
            wanted.reason,
            wanted.per_second,
            left_out
        );
        made.execute(&mut **act).await?;
        insert_members(&mut act, id, &members).await?;
        let detail = json!({ "events": members.len(), "left_out": left_out });
        audit::record(&mut act, &caller.principal, "make_replay", &format!("replay {id}"), &wanted.reason, detail)
            .await?;
        let answer = shown(&mut act, id, StatusCode::CREATED).await?.at(format!("/replays/{id}"));
        act.commit(&answer).await?;
        Ok(answer)
    })
    .await
}

/// What was resolved before stays so. The others are played, those of one order one after the other.
async fn rehearse<R: Reactions>(inbox: &Inbox<R>, lane: Vec<Kept>) -> sqlx::Result<Vec<Member>> {
    let (resolved, waiting): (Vec<_>, Vec<_>) = lane.into_iter().partition(|chosen| chosen.resolution.is_some());
    let settled = resolved.into_iter().map(|chosen| {
        let is_stale = chosen.resolution.as_deref() == Some("stale");
        let verdict = if is_stale { Verdict::Stale } else { Verdict::Duplicate };
        let place = chosen.place();
        let detail = format!("it is {} already", chosen.resolution.unwrap_or_default().replace('_', " "));
        Member { parked_id: chosen.id, place, rehearsed: Rehearsed { verdict, detail, money: vec![] } }
    });
    let mut members: Vec<Member> = settled.collect();
    let places: Vec<_> = waiting.iter().map(|chosen| (chosen.id, chosen.place())).collect();
    let records: Vec<_> = waiting.into_iter().map(Kept::record).collect();
    let rehearsed = inbox.rehearse(&records).await?;
    let played = places.into_iter().zip(rehearsed);
    members.extend(played.map(|((parked_id, place), rehearsed)| Member { parked_id, place, rehearsed }));
    members.sort_by_key(|member| member.place);
    Ok(members)
}

async fn insert_members(tx: &mut Tx<'_>, id: Uuid, members: &[Member]) -> sqlx::Result<()> {
    let numbers: Vec<i32> = (1..).take(members.len()).collect();
    let inserted = sqlx::query!(
        "insert into replay_events (replay_id, number, parked_id, order_id, version, rehearsed, detail, money)
         select $1, * from unnest($2::integer[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[])",
        id,
        &numbers,
        &column(members, |member| member.parked_id),
        &column(members, |member| member.place.map(|(order_id, _)| order_id.0)) as _,
        &column(members, |member| member.place.map(|(_, version)| version.0)) as _,
        &column(members, |member| member.rehearsed.verdict.name()) as _,
        &column(members, |member| member.rehearsed.detail.replace('\0', "\u{fffd}")),
        &column(members, |member| member.rehearsed.money.join(", ")),
    );
    inserted.execute(&mut **tx).await.map(drop)
}

/// `POST /replays/{id}/start`: exactly that set is replayed, in its order. Started twice, it is replayed once.
pub(super) async fn start<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    mut form: Form,
) -> Result<Answer, Problem> {
    let why = reason(&mut form);
    form.finish()?;
    in_a_task_of_its_own(async move {
        let tx = Tx::from(operations.pool.begin().await?);
        let mut act = match Act::begin(tx, keyed(&caller, &why)).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        let started = sqlx::query!(
            "update replays set started_at = $2, started_by = $3 where id = $1 and started_at is null",
            id,
            clock::now(),
            &*caller.principal.subject
        );
        if started.execute(&mut **act).await?.rows_affected() > 0 {
            audit::record(&mut act, &caller.principal, "start_replay", &format!("replay {id}"), &why, json!({}))
                .await?;
        }
        let answer = shown(&mut act, id, StatusCode::ACCEPTED).await?;
        act.commit(&answer).await?;
        Ok(answer)
    })
    .await
}

#[derive(Debug, Serialize)]
struct Replay {
    id: Uuid,
    made_at: Time,
    made_by: String,
    reason: String,
    per_second: i32,
    started_at: Option<Time>,
    started_by: Option<String>,
    ended_at: Option<Time>,
    events: i64,
    /// How many of them have been replayed.
    done: i64,
    /// How many more there were like these when the set was made, for which it had no room.
    left_out: i64,
}

macro_rules! select_replays {
    ($tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Replay,
            r#"select id, made_at, made_by, reason, per_second, started_at, started_by, ended_at, left_out,
                      (select count(*) from replay_events where replay_id = id) as "events!",
                      (select count(outcome) from replay_events where replay_id = id) as "done!"
               from replays "# + $tail,
            $($argument),+
        )
    };
}

/// `GET /replays`: the youngest first.
pub(super) async fn list<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    mut asked: Parameters,
) -> Result<Answer, Problem> {
    let page = Page::<Uuid>::read(&mut asked);
    asked.finish()?;
    let after = page.after.unwrap_or(Uuid::max());
    let found = select_replays!("where id < $1 order by id desc limit $2", after, page.rows());
    Ok(page.answer(found.fetch_all(&operations.pool).await?, |replay| replay.id))
}

/// `GET /replays/{id}`: with every event of the set.
pub(super) async fn show<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    Path(id): Path<Uuid>,
) -> Result<Answer, Problem> {
    shown(&mut *operations.pool.acquire().await?, id, StatusCode::OK).await
}

#[derive(Debug, Serialize)]
struct Event {
    number: i32,
    parked_id: Uuid,
    order_id: Option<Uuid>,
    version: Option<i64>,
    /// What would have become of it when the set was made.
    rehearsed: String,
    detail: String,
    /// The money that it would have moved; empty: none.
    money: String,
    outcome: Option<String>,
    error: Option<String>,
    at: Option<Time>,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    replay: Replay,
    /// How many events of each kind the rehearsal has found, and how many would move money.
    rehearsal: BTreeMap<String, usize>,
    moving_money: usize,
    outcomes: BTreeMap<String, usize>,
    items: Vec<Event>,
}

async fn shown(connection: &mut PgConnection, id: Uuid, status: StatusCode) -> Result<Answer, Problem> {
    let replay = select_replays!("where id = $1", id);
    let replay = replay.fetch_optional(&mut *connection).await?.ok_or_else(|| Problem::not_found("replay"))?;
    let items = sqlx::query_as!(
        Event,
        "select number, parked_id, order_id, version, rehearsed, detail, money, outcome, error, at
         from replay_events where replay_id = $1 order by number",
        id
    );
    let items = items.fetch_all(connection).await?;
    let (mut rehearsal, mut outcomes) = (BTreeMap::new(), BTreeMap::new());
    for item in &items {
        *rehearsal.entry(item.rehearsed.clone()).or_default() += 1;
        if let Some(outcome) = &item.outcome {
            *outcomes.entry(outcome.clone()).or_default() += 1;
        }
    }
    let moving_money = items.iter().filter(|item| !item.money.is_empty()).count();
    Ok(Answer::json(status, &Shown { replay, rehearsal, moving_money, outcomes, items }))
}
