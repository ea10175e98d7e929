//! What an operator may ask of a service: look at what is parked, rehearse and replay it, hold things back, announce again. The same on
//! both services.
//!
//! Nothing here decides. A replayed event takes the way of a live one, through the same claim; what is announced again is what was
//! announced before, under the same version. And every act leaves a row that says who wanted it, and why.

mod act;
mod giving_up;
mod parked;
mod pauses;
mod replayer;
mod replays;
mod republications;
mod republisher;
mod selection;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use chrono::Utc;
use sqlx::PgPool;

use crate::{
    access::{Rule, Scope},
    http::Form,
    messaging::{HandOver, Inbox, Reactions, Wake, pauses::Names},
};

pub(crate) use replayer::Replayer;
pub(crate) use republisher::Republisher;

/// How long a reason may be, in characters. There has to be one.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// How many parked events are replayed as one set at most.
const MOST_EVENTS: usize = 1_000;
/// How long the type of an event may be, and an error as a group shows it: no longer than the 300 characters that it is made of.
const EVENT_TYPE: std::ops::RangeInclusive<usize> = 1..=100;
const ALIKE: std::ops::RangeInclusive<usize> = 1..=300;

type Time = chrono::DateTime<Utc>;

/// Whose these are: operators, and nobody else.
const OPERATOR: &[Scope] = &[Scope::Operator];

/// Who may do what of it.
pub(crate) const RULES: &[Rule] = &[
    Rule::new("GET", "/parked-events", OPERATOR),
    Rule::new("GET", "/parked-events/groups", OPERATOR),
    Rule::new("GET", "/parked-events/{id}", OPERATOR),
    Rule::new("POST", "/parked-events/{id}/giving-up", OPERATOR),
    Rule::new("GET", "/replays", OPERATOR),
    Rule::new("POST", "/replays", OPERATOR),
    Rule::new("GET", "/replays/{id}", OPERATOR),
    Rule::new("POST", "/replays/{id}/start", OPERATOR),
    Rule::new("GET", "/pauses", OPERATOR),
    Rule::new("POST", "/pauses", OPERATOR),
    Rule::new("POST", "/pauses/{id}/end", OPERATOR),
    Rule::new("GET", "/republications", OPERATOR),
    Rule::new("POST", "/republications", OPERATOR),
    Rule::new("GET", "/republications/{id}", OPERATOR),
];

/// What the handlers need.
pub(crate) struct Operations<R> {
    pub pool: PgPool,
    pub inbox: Arc<Inbox<R>>,
    /// Under which names this instance is held back.
    pub names: Names,
    /// Told of what is announced again.
    pub relay: HandOver,
    /// Told of what became due.
    pub retries: Wake,
}

/// The routes.
pub(crate) fn routes<R: Reactions>(operations: Operations<R>) -> Router {
    Router::new()
        .route("/parked-events", get(parked::list))
        .route("/parked-events/groups", get(parked::groups))
        .route("/parked-events/{id}", get(parked::show))
        .route("/parked-events/{id}/giving-up", post(giving_up::give_up))
        .route("/replays", get(replays::list).post(replays::make))
        .route("/replays/{id}", get(replays::show))
        .route("/replays/{id}/start", post(replays::start))
        .route("/pauses", get(pauses::list).post(pauses::begin))
        .route("/pauses/{id}/end", post(pauses::end))
        .route("/republications", get(republications::list).post(republications::ask))
        .route("/republications/{id}", get(republications::show))
        .with_state(Arc::new(operations))
}

/// Why somebody wants something: it has to be said.
fn reason(form: &mut Form) -> String {
    form.text("reason", REASON)
}
