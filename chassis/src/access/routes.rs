//! `/api-keys` and `/operator-actions`: who else may come in, and what was done.

use std::str::FromStr;

use axum::{
    Router,
    extract::State,
    routing::{delete, get},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    keys::KeyRing,
    principal::{Principal, Scope},
    rules::Rule,
    stored::{self, ApiKey},
};
use crate::{
    Tx,
    audit::{self, OperatorAction, Which},
    clock,
    http::{Answer, Caller, Form, Name, Page, Parameters, Path, Problem, in_a_task_of_its_own, names},
};

const OPERATOR: &[Scope] = &[Scope::Operator];
/// Who may use what is here.
pub(super) const RULES: &[Rule] = &[
    Rule::new("POST", "/api-keys", OPERATOR),
    Rule::new("GET", "/api-keys", OPERATOR),
    Rule::new("DELETE", "/api-keys/{id}", OPERATOR),
    Rule::new("GET", "/operator-actions", OPERATOR),
];

/// For how many days a key can be made.
const VALID_DAYS: std::ops::RangeInclusive<i64> = 1..=365;
const REASON_CHARS: std::ops::RangeInclusive<usize> = 1..=500;

#[derive(Clone)]
struct Office {
    pool: PgPool,
    keys: KeyRing,
}

/// The routes.
pub(crate) fn routes(pool: PgPool, keys: KeyRing) -> Router {
    Router::new()
        .route("/api-keys", get(list).post(make))
        .route("/api-keys/{id}", delete(revoke))
        .route("/operator-actions", get(actions))
        .with_state(Office { pool, keys })
}

/// A key as it is shown: never with its secret, except once.
#[derive(Debug, Serialize)]
struct KeyView<'a> {
    id: Uuid,
    name: &'a str,
    subject: &'a str,
    scopes: &'a [String],
    created_at: DateTime<Utc>,
    created_by: &'a str,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> KeyView<'a> {
    fn of(key: &'a ApiKey) -> Self {
        Self {
            id: key.id,
            name: &key.name,
            subject: &key.subject,
            scopes: &key.scopes,
            created_at: key.created_at,
            created_by: &key.created_by,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            key: None,
        }
    }
}

/// What is asked for when a key is made.
struct Wanted {
    name: String,
    subject: String,
    scopes: Vec<String>,
    valid: TimeDelta,
    reason: String,
}

impl Wanted {
    fn read(mut form: Form) -> Result<Self, Problem> {
        let name = form.text("name", 1..=100);
        let subject = form.parsed::<Name>("subject", Name::SHAPE);
        let texts = form.texts("scopes", 1..=Scope::ALL.len(), 1..=20);
        for (index, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            if text.parse::<Scope>().is_err() {
                let known = names(&Scope::ALL, Scope::name);
                form.refuse(&format!("scopes/{index}"), format!("has to be one of {known}"));
            }
        }
        let valid = TimeDelta::days(form.integer("valid_days", VALID_DAYS));
        let reason = form.text("reason", REASON_CHARS);
        form.finish()?;
        let Name(subject) = subject.ok_or_else(Problem::internal)?;
        Ok(Self { name, subject, scopes: texts, valid, reason })
    }
}

/// `POST /api-keys`. The answer is never kept, because it has the secret in it: so it cannot be given again under an `Idempotency-Key`.
async fn make(State(office): State<Office>, caller: Caller, form: Form) -> Result<Answer, Problem> {
    let Wanted { name, subject, scopes, valid, reason } = Wanted::read(form)?;
    if caller.idempotency_key.is_some() {
        let detail = "A key is shown once and not kept, so this answer cannot be given again: without an Idempotency-Key, please.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_not_taken", detail));
    }
    let (secret, secret_sha256) = stored::fresh_secret().map_err(|error| {
        tracing::error!(%error, "no key could be made: {error:#}");
        Problem::internal()
    })?;
    let (id, created_at) = (clock::fresh_id(), clock::now());
    let (expires_at, created_by) = (created_at + valid, caller.principal.subject.to_string());
    let key = ApiKey { id, secret_sha256, name, subject, scopes, created_at, created_by, expires_at, revoked_at: None };
    in_a_task_of_its_own(async move {
        let mut tx = Tx::from(office.pool.begin().await?);
        stored::insert(&mut tx, &key).await?;
        let detail =
            json!({ "name": key.name, "subject": key.subject, "scopes": key.scopes, "expires_at": key.expires_at });
        audit::record(&mut tx, &caller.principal, "make_api_key", &target(id), &reason, detail).await?;
        tx.commit().await?;
        office.keys.doubt();
        let shown = stored::shown(id, &secret);
        let view = KeyView { key: Some(&shown), ..KeyView::of(&key) };
        Ok(Answer::json(StatusCode::CREATED, &view).at(format!("/api-keys/{id}")))
    })
    .await
}

/// How a key is called where what was done is written down.
fn target(id: Uuid) -> String {
    format!("API key {id}")
}

/// `GET /api-keys`
async fn list(State(office): State<Office>, mut asked: Parameters) -> Result<Answer, Problem> {
    let page = Page::<Uuid>::read(&mut asked);
    asked.finish()?;
    let keys = stored::page(&office.pool, page.after.unwrap_or(Uuid::max()), page.rows()).await?;
    Ok(page.answer(keys.iter().map(KeyView::of).collect(), |view: &KeyView<'_>| view.id))
}

/// `DELETE /api-keys/{id}`. Once more it is the same key, revoked when it was.
async fn revoke(
    State(office): State<Office>,
    Path(id): Path<Uuid>,
    principal: Principal,
    mut form: Form,
) -> Result<Answer, Problem> {
    let reason = form.text("reason", REASON_CHARS);
    form.finish()?;
    in_a_task_of_its_own(async move {
        let mut tx = Tx::from(office.pool.begin().await?);
        let key = match stored::revoke(&mut tx, id, clock::now()).await? {
            Some(key) => {
                let detail = json!({ "name": key.name, "subject": key.subject });
                audit::record(&mut tx, &principal, "revoke_api_key", &target(id), &reason, detail).await?;
                key
            }
            None => stored::find(&mut *tx, id).await?.ok_or_else(|| Problem::not_found("API key"))?,
        };
        tx.commit().await?;
        office.keys.doubt();
        Ok(Answer::json(StatusCode::OK, &KeyView::of(&key)))
    })
    .await
}

/// What something was done to: `order …`, `API key …`.
struct Target(String);

impl Target {
    const SHAPE: &'static str = "1 to 200 characters, none of them a control character";
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(Self::SHAPE) }
    }
}

/// `GET /operator-actions`
async fn actions(State(office): State<Office>, mut asked: Parameters) -> Result<Answer, Problem> {
    let word = |asked: &mut Parameters, name: &str| asked.optional::<Name>(name, Name::SHAPE).map(|name| name.0);
    let (who, action) = (word(&mut asked, "who"), word(&mut asked, "action"));
    let target = asked.optional::<Target>("target", Target::SHAPE).map(|target| target.0);
    let which = Which { who, action, target };
    let page = Page::<Uuid>::read(&mut asked);
    asked.finish()?;
    let actions = audit::page(&office.pool, &which, page.after.unwrap_or(Uuid::max()), page.rows()).await?;
    Ok(page.answer(actions, |action: &OperatorAction| action.id))
}
