//! Answers kept under the caller's key, so that a request that comes twice is carried out once and answered the same.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>

use std::collections::HashMap;

use http::StatusCode;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Answer, IdempotencyKey, Problem};
use crate::{Tx, clock, commit::Mark};

/// A request's key together with what it asked for, as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// SHA-256 of what was asked.
    pub fingerprint: Vec<u8>,
}

impl Keyed {
    /// The key over this body, as it was understood: white space and the order of fields make no difference.
    ///
    /// # Panics
    /// When the body has no JSON form: a mistake in the program.
    #[must_use]
    pub fn new(key: IdempotencyKey, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a request has a JSON form");
        Self { key, fingerprint: Sha256::digest(body).to_vec() }
    }
}

/// An answer that was kept, and for which request.
#[derive(Debug, Clone)]
pub struct Kept {
    fingerprint: Vec<u8>,
    answer: Answer,
}

impl Kept {
    /// The same answer to the same request; a refusal to another one under the same key.
    #[must_use]
    pub fn answer_to(&self, keyed: &Keyed) -> Answer {
        if self.fingerprint == keyed.fingerprint {
            return self.answer.clone();
        }
        let detail = "This Idempotency-Key was used for another request; nothing was changed.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).into()
    }
}

/// What a batch has to know first.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The id of its transaction, to ask for it by should its COMMIT go unanswered.
    pub transaction_id: String,
    /// The answers that are kept under its keys.
    pub kept: HashMap<IdempotencyKey, Kept>,
}

/// Reads the answers that are kept under these keys, and on the same way leaves the mark by which the transaction is found again.
pub(crate) async fn begin(tx: &mut Tx<'_>, keys: &[&IdempotencyKey], mark: Mark) -> sqlx::Result<Begun> {
    let rows = sqlx::query!(
        r#"with marked as (
               insert into commit_marks (committer, mark, at) values ($3, $4, $5)
               on conflict (committer) do update set mark = excluded.mark, at = excluded.at
               returning pg_current_xact_id()::text as transaction_id
           )
           select transaction_id as "transaction_id!", kept.route as "route?", kept.key as "key?",
                  fingerprint as "fingerprint?", status as "status?", location, body as "body?"
           from marked
           left join (idempotency_keys kept join unnest($1::text[], $2::text[]) as asked (route, key) using (route, key)) on true"#,
        &keys.iter().map(|key| key.route.as_str()).collect::<Vec<_>>() as _,
        &keys.iter().map(|key| key.key.as_str()).collect::<Vec<_>>() as _,
        mark.committer,
        mark.id,
        clock::now(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let transaction_id = rows.first().map(|row| row.transaction_id.clone()).ok_or(sqlx::Error::RowNotFound)?;
    let kept = rows.into_iter().filter_map(|row| {
        let (route, key, fingerprint, status) = (row.route?, row.key?, row.fingerprint?, row.status?);
        let row = Row { route, key, fingerprint, status, location: row.location, body: row.body? };
        Some(row.kept())
    });
    Ok(Begun { transaction_id, kept: kept.collect() })
}

/// The answer that is kept under a key, for what is not decided in batches.
pub(crate) async fn answer(tx: &mut Tx<'_>, keyed: &Keyed) -> sqlx::Result<Option<Answer>> {
    let IdempotencyKey { route, key } = &keyed.key;
    let row = sqlx::query_as!(
        Row,
        "select route, key, fingerprint, status, location, body from idempotency_keys where route = $1 and key = $2",
        route,
        key
    );
    Ok(row.fetch_optional(&mut **tx).await?.map(|row| row.kept().1.answer_to(keyed)))
}

/// An answer as it lies in the table.
struct Row {
    route: String,
    key: String,
    fingerprint: Vec<u8>,
    status: i16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Row {
    fn kept(self) -> (IdempotencyKey, Kept) {
        let Self { route, key, fingerprint, status, location, body } = self;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let answer = Answer { status: status.unwrap_or(StatusCode::OK), location, retry_after_s: None, body };
        (IdempotencyKey { route, key }, Kept { fingerprint, answer })
    }
}

/// Waits until nobody else carries out anything under this key, until the transaction ends. For what is not decided in batches.
pub(crate) async fn alone(tx: &mut Tx<'_>, key: &IdempotencyKey) -> sqlx::Result<()> {
    let locked = sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))", key.route, key.key);
    locked.execute(&mut **tx).await.map(drop)
}

/// Keeps these answers. Says whether all of them could be: a key that another instance has just used is left as it is, and the
/// caller rolls back and plans again.
pub(crate) async fn keep(tx: &mut Tx<'_>, mut answers: Vec<(&Keyed, &Answer)>) -> sqlx::Result<bool> {
    if answers.is_empty() {
        return Ok(true);
    }
    // Sorted: two batches that share keys must wait for each other in the same order.
    answers.sort_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    let kept = sqlx::query!(
        r#"insert into idempotency_keys (route, key, fingerprint, status, location, body, answered_at)
           select route, key, fingerprint, status, location, body, $7
           from unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::text[], $6::bytea[])
                as kept (route, key, fingerprint, status, location, body)
           on conflict do nothing"#,
        &answers.iter().map(|(keyed, _)| keyed.key.route.as_str()).collect::<Vec<_>>() as _,
        &answers.iter().map(|(keyed, _)| keyed.key.key.as_str()).collect::<Vec<_>>() as _,
        &answers.iter().map(|(keyed, _)| keyed.fingerprint.as_slice()).collect::<Vec<_>>() as _,
        &answers.iter().map(|(_, answer)| answer.status.as_u16().cast_signed()).collect::<Vec<_>>(),
        &answers.iter().map(|(_, answer)| answer.location.as_deref()).collect::<Vec<_>>() as _,
        &answers.iter().map(|(_, answer)| answer.body.as_slice()).collect::<Vec<_>>() as _,
        clock::now(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(usize::try_from(kept.rows_affected()) == Ok(answers.len()))
}
