//! `/republications`: what was announced, announced again. A repeat under the same version changes nothing where it has arrived, and makes
//! good where it has not.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared_events::{OrderId, Version};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Operations, Time,
    act::{Act, Begun, keyed},
    reason,
};
use crate::{
    Tx,
    access::Principal,
    audit, clock,
    http::{Answer, Caller, Form, Page, Parameters, Path, Problem, in_a_task_of_its_own},
    messaging::{Outgoing, Reactions, announce},
};

#[derive(Debug, Serialize)]
struct Republication {
    id: Uuid,
    asked_at: Time,
    asked_by: String,
    reason: String,
    since: Time,
    until: Time,
    /// How many events have been put into the outbox again.
    announced: i64,
    ended_at: Option<Time>,
}

/// `POST /republications`: the events of an order, or one of them, at once; or all since some time, little by little.
pub(super) async fn ask<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    mut form: Form,
) -> Result<Answer, Problem> {
    let order_id = form.optional_parsed::<OrderId>("order_id", "the id of an order");
    let version = form.optional_integer("version", 1..=i64::MAX).map(Version);
    let moment = "a moment as 2026-12-01T08:00:00Z";
    let since = form.optional_parsed::<Time>("since", moment);
    let until = form.optional_parsed::<Time>("until", moment);
    let reason = reason(&mut form);
    if order_id.is_some() == since.is_some() {
        form.refuse("", "has to say either order_id or since");
    }
    if version.is_some() && order_id.is_none() {
        form.refuse("version", "is one of an order: order_id is missing");
    }
    let keyed = keyed(&caller, &(order_id, version, since, until, &reason));
    let until = until.unwrap_or_else(clock::now);
    if since.is_some_and(|since| since >= until) {
        form.refuse("since", "has to be before until, or before now");
    }
    form.finish()?;
    in_a_task_of_its_own(async move {
        let tx = Tx::announcing_to(&operations.relay, operations.pool.begin().await?);
        let mut act = match Act::begin(tx, keyed).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        let by = &caller.principal;
        let answer = match (order_id, since) {
            (Some(order_id), _) => of_order(&mut act, by, order_id, version, &reason).await?,
            (None, Some(since)) => of_time(&mut act, by, since, until, &reason).await?,
            (None, None) => return Err(Problem::internal()),
        };
        act.commit(&answer).await?;
        Ok(answer)
    })
    .await
}

async fn of_order(
    tx: &mut Tx<'_>,
    by: &Principal,
    order_id: OrderId,
    version: Option<Version>,
    reason: &str,
) -> Result<Answer, Problem> {
    let logged = sqlx::query_scalar!(
        "select version from event_log where order_id = $1 and ($2::bigint is null or version = $2) order by version",
        order_id.0,
        version.map(|version| version.0)
    );
    let versions = logged.fetch_all(&mut **tx).await?;
    if versions.is_empty() {
        return Err(Problem::not_found("event in the log of this service"));
    }
    let again: Vec<_> =
        versions.iter().map(|version| Outgoing::Again { order_id, version: Version(*version) }).collect();
    announce(tx, &again).await?;
    let detail = json!({ "versions": versions });
    audit::record(tx, by, "republish", &format!("order {order_id}"), reason, detail).await?;
    Ok(Answer::json(StatusCode::CREATED, &json!({ "order_id": order_id, "versions": versions })))
}

async fn of_time(tx: &mut Tx<'_>, by: &Principal, since: Time, until: Time, reason: &str) -> Result<Answer, Problem> {
    let id = clock::fresh_id();
    let asked = sqlx::query!(
        "insert into republications (id, asked_at, asked_by, reason, since, until) values ($1, $2, $3, $4, $5, $6)",
        id,
        clock::now(),
        &*by.subject,
        reason,
        since,
        until
    );
    asked.execute(&mut **tx).await?;
    let detail = json!({ "since": since, "until": until });
    audit::record(tx, by, "republish", &format!("republication {id}"), reason, detail).await?;
    Ok(shown(tx, id, StatusCode::ACCEPTED).await?.at(format!("/republications/{id}")))
}

macro_rules! select_republications {
    ($tail:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Republication,
            "select id, asked_at, asked_by, reason, since, until, announced, ended_at from republications " + $tail,
            $($argument),+
        )
    };
}

/// `GET /republications`: the youngest first.
pub(super) async fn list<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    mut asked: Parameters,
) -> Result<Answer, Problem> {
    let page = Page::<Uuid>::read(&mut asked);
    asked.finish()?;
    let after = page.after.unwrap_or(Uuid::max());
    let found = select_republications!("where id < $1 order by id desc limit $2", after, page.rows());
    Ok(page.answer(found.fetch_all(&operations.pool).await?, |one| one.id))
}

/// `GET /republications/{id}`
pub(super) async fn show<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    Path(id): Path<Uuid>,
) -> Result<Answer, Problem> {
    shown(&mut *operations.pool.acquire().await?, id, StatusCode::OK).await
}

async fn shown(connection: &mut PgConnection, id: Uuid, status: StatusCode) -> Result<Answer, Problem> {
    let found = select_republications!("where id = $1", id);
    let found = found.fetch_optional(connection).await?.ok_or_else(|| Problem::not_found("republication"))?;
    Ok(Answer::json(status, &found))
}
