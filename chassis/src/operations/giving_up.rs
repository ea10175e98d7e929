//! `/parked-events/{id}/giving-up`: the one way to be rid of an event that can never be applied, and only where the saga can still end well.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use shared_events::{OrderId, Version};
use uuid::Uuid;

use super::{
    Operations,
    act::{Act, Begun, keyed},
    reason,
};
use crate::{
    Failure, Tx, audit, clock,
    http::{Answer, Caller, Form, Path, Problem, in_a_task_of_its_own},
    messaging::{GiveUp, Reactions},
};

/// Those that nothing but a hand can move. A gap waits for its predecessor, and what is paused for its end.
const HOPELESS: [&str; 3] = ["undecodable", "unknown_schema", "rejected"];

/// `POST /parked-events/{id}/giving-up`: the first event of an order is answered without having been applied.
pub(super) async fn give_up<R: Reactions>(
    State(operations): State<Arc<Operations<R>>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    mut form: Form,
) -> Result<Answer, Problem> {
    let why = reason(&mut form);
    form.finish()?;
    in_a_task_of_its_own(async move {
        let tx = Tx::announcing_to(&operations.relay, operations.pool.begin().await?);
        let mut act = match Act::begin(tx, keyed(&caller, &why)).await? {
            Begun::Now(act) => act,
            Begun::Before(answer) => return Ok(answer),
        };
        let parked = first_and_hopeless(&mut act, id).await?;
        let order_id = parked.order_id;
        operations.inbox.give_up(&mut act, order_id, clock::stamp(), caller.cause.clone()).await.map_err(problem)?;
        resolve(&mut act, order_id).await?;
        let detail = json!({ "parked_event": id, "cause": parked.cause, "error": parked.error });
        audit::record(&mut act, &caller.principal, "give_up", &format!("order {order_id}"), &why, detail).await?;
        let given_up = json!({ "parked_event": id, "order_id": order_id, "resolution": "given_up" });
        let answer = Answer::json(StatusCode::OK, &given_up);
        act.commit(&answer).await?;
        operations.retries.wake();
        Ok(answer)
    })
    .await
}

/// What is given up.
struct GivenUp {
    order_id: OrderId,
    cause: String,
    error: String,
}

/// The parked event, if it is one that can be given up.
async fn first_and_hopeless(tx: &mut Tx<'_>, id: Uuid) -> Result<GivenUp, Problem> {
    let parked =
        sqlx::query!("select order_id, version, cause, error, resolution from parked_events where id = $1", id);
    let parked = parked.fetch_optional(&mut **tx).await?.ok_or_else(|| Problem::not_found("parked event"))?;
    let place = parked.order_id.map(OrderId).zip(parked.version.map(Version));
    match (parked.resolution, place) {
        (Some(resolution), _) => Err(refused(format!("The event is {} already.", resolution.replace('_', " ")))),
        (None, Some((order_id, Version(1)))) if HOPELESS.contains(&parked.cause.as_str()) => {
            Ok(GivenUp { order_id, cause: parked.cause, error: parked.error })
        }
        (None, _) => {
            let detail = "Only the first event of an order that cannot be applied can be given up: all else waits for something that \
                          can still come.";
            Err(refused(detail.to_owned()))
        }
    }
}

/// The event is dealt with, and what waits behind it may go on.
async fn resolve(tx: &mut Tx<'_>, order_id: OrderId) -> sqlx::Result<()> {
    sqlx::query!(
        "update parked_events
         set resolved_at = case when version = 1 then $2::timestamptz end,
             resolution = case when version = 1 then 'given_up' end,
             next_attempt_at = case when version > 1 then $2 end
         where order_id = $1 and resolved_at is null and (version = 1 or (version = 2 and cause = 'gap'))",
        order_id.0,
        clock::now()
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "cannot_be_given_up", detail)
}

fn problem(error: GiveUp) -> Problem {
    match error {
        GiveUp::NotHere | GiveUp::AlreadyBegun(_) | GiveUp::Paused => {
            refused(format!("This cannot be given up: {error}."))
        }
        GiveUp::Moved | GiveUp::Failed(Failure::Transient(_)) => {
            tracing::warn!(%error, "an event could not be given up for now: {error}");
            Problem::unavailable(
                "try_again",
                "Somebody else is just working on this order, or the database is away; nothing was changed.",
            )
        }
        GiveUp::Failed(error) => {
            tracing::error!(%error, "an event could not be given up: {error}");
            Problem::internal()
        }
    }
}
