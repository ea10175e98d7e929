//! `/pauses`: what is held back, by whom, why, and until when.

use std::sync::Arc;

use axum::extract::State;
use chrono::TimeDelta;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared_events::{OrderId, Topic};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Operations, Time,
    act::{Act, Begun, keyed},
    reason,
};
use crate::{
    Tx, audit, clock,
    http::{Answer, Caller, Form, Page, Parameters, Path, Problem, in_a_task_of_its_own},
    messaging::{Reactions, pauses},
};

/// A pause ends by itself: nobody remembers for ever what somebody held back.
const LONGEST_S: i64 = 30 * 24 * 60 * 60;
const LONGEST_NAME: usize = 200;
const WHATS: [&str; 3] = ["consumer", "topic", "order"];

#[derive(Debug, Serialize)]
struct Pause {
    id: Uuid,
    /// `consumer` (one instance's), `topic` (all instances'; who reads it, or who sends it), or `order`.
    what: String,
    name: String,
    reason: String,
    owner: String,
    since: Time,
    until: Time,
    ended_at: Option<Time>,
    ended_by: Option<String>,
    /// Whether it holds anything back now.
    in_force: bool,
}

macro_rules! select_pauses {
    ($tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Pause,
            r#"select id, what, name, reason, owner, since, until, ended_at, ended_by,
                      (ended_at is null and until > now()) as "in_force!"
               from pauses "# + $tail,
            $($argument),+
        )
    };
}

/// `GET /pauses`: the youngest first; `in_force=true` for those that hold something back now.
pub(super) async fn list<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    mut asked: Parameters,
) -> Result<Answer, Problem> {
    let in_force: Option<bool> = asked.optional("in_force", "true or false");
    let page = Page::<Uuid>::read(&mut asked);
    asked.finish()?;
    let found = select_pauses!(
        "where id < $1 and ($2::boolean is null or (ended_at is null and until > now()) = $2)
         order by id desc limit $3",
        page.after.unwrap_or(Uuid::max()),
        in_force,
        page.rows()
    );
    Ok(page.answer(found.fetch_all(&operations.pool).await?, |pause| pause.id))
}

/// What is to be held back.
#[derive(Serialize)]
struct Wanted {
    what: String,
    name: String,
    reason: String,
    for_s: i64,
}

impl Wanted {
    fn read(mut form: Form) -> Result<Self, Problem> {
        let what = form.text("what", 1..=20);
        let name = form.text("name", 1..=LONGEST_NAME);
        let reason = reason(&mut form);
        let for_s = form.integer("for_s", 1..=LONGEST_S);
        let topics = [Topic::Orders, Topic::Deliveries].map(Topic::name);
        match what.as_str() {
            "order" if name.parse::<OrderId>().is_err() => form.refuse("name", "has to be the id of an order"),
            "topic" if !topics.contains(&name.as_str()) => {
                form.refuse("name", format!("has to be one of {}", topics.join(", ")))
            }
            known if known.is_empty() || WHATS.contains(&known) => {}
            _ => form.refuse("what", format!("has to be one of {}", WHATS.join(", "))),
        }
        form.finish()?;
        Ok(Self { what, name, reason, for_s })
    }

    /// Writes it down. `false` if the same is held back already.
    async fn insert(&self, tx: &mut Tx<'_>, id: Uuid, owner: &str, now: Time, until: Time) -> sqlx::Result<bool> {
        // One that has run out is over: it must not be in the way of a new one.
        let over = sqlx::query!(
            "update pauses set ended_at = until, ended_by = 'its end'
             where what = $1 and name = $2 and ended_at is null and until <= $3",
            self.what,
            self.name,
            now
        );
        over.execute(&mut **tx).await?;
        let begun = sqlx::query!(
            "insert into pauses (id, what, name, reason, owner, since, until)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            id,
            self.what,
            self.name,
            self.reason,
            owner,
            now,
            until
        );
        Ok(begun.execute(&mut **tx).await?.rows_affected() > 0)
    }

    fn order(&self) -> Option<OrderId> {
        if self.what == "order" { self.name.parse().ok() } else { None }
    }
}

/// `POST /pauses`
pub(super) async fn begin<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    form: Form,
) -> Result<Answer, Problem> {
    let wanted = Wanted::read(form)?;
    in_a_task_of_its_own(async move {
        let now = clock::now();
        let (id, until) = (clock::fresh_id(), now + TimeDelta::seconds(wanted.for_s));
        let tx = Tx::from(operations.pool.begin().await?);
        let mut act = match Act::begin(tx, keyed(&caller, &wanted)).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        if !wanted.insert(&mut act, id, &caller.principal.subject, now, until).await? {
            let detail = format!("The {} {} is held back already: end that pause first.", wanted.what, wanted.name);
            return Err(Problem::new(StatusCode::CONFLICT, "already_paused", detail));
        }
        if let Some(order_id) = wanted.order() {
            pauses::hold(&mut act, order_id, until).await?;
        }
        let (target, detail) = (format!("{} {}", wanted.what, wanted.name), json!({ "pause": id, "until": until }));
        audit::record(&mut act, &caller.principal, "pause", &target, &wanted.reason, detail).await?;
        let answer = shown(&mut act, id, StatusCode::CREATED).await?.at(format!("/pauses/{id}"));
        act.commit(&answer).await?;
        operations.look().await?;
        Ok(answer)
    })
    .await
}

/// `POST /pauses/{id}/end`
pub(super) async fn end<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    mut form: Form,
) -> Result<Answer, Problem> {
    let why = reason(&mut form);
    form.finish()?;
    in_a_task_of_its_own(async move {
        let now = clock::now();
        let tx = Tx::from(operations.pool.begin().await?);
        let mut act = match Act::begin(tx, keyed(&caller, &why)).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        let ended = sqlx::query!(
            "update pauses set ended_at = $2, ended_by = $3 where id = $1 and ended_at is null returning what, name",
            id,
            now,
            &*caller.principal.subject
        );
        if let Some(ended) = ended.fetch_optional(&mut **act).await? {
            let order = if ended.what == "order" { ended.name.parse::<OrderId>().ok() } else { None };
            if let Some(order_id) = order {
                pauses::let_go(&mut act, order_id, now).await?;
            }
            let target = format!("{} {}", ended.what, ended.name);
            audit::record(&mut act, &caller.principal, "end_pause", &target, &why, json!({ "pause": id })).await?;
        }
        let answer = shown(&mut act, id, StatusCode::OK).await?;
        act.commit(&answer).await?;
        operations.look().await?;
        operations.retries.wake();
        Ok(answer)
    })
    .await
}

impl<R: Reactions> Operations<R> {
    /// So that it holds on this instance before the answer is given. The others look a few times a second.
    async fn look(&self) -> sqlx::Result<()> {
        self.inbox.pauses().look(&self.pool, &self.names).await
    }
}

async fn shown(connection: &mut PgConnection, id: Uuid, status: StatusCode) -> Result<Answer, Problem> {
    let pause = select_pauses!("where id = $1", id);
    let pause = pause.fetch_optional(connection).await?.ok_or_else(|| Problem::not_found("pause"))?;
    Ok(Answer::json(status, &pause))
}
