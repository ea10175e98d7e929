//! An operator's act: one transaction, and carried out once under an `Idempotency-Key`.

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use sqlx::PgPool;

use crate::{
    Tx,
    http::{
        Answer, Caller,
        idempotency::{self, Keyed},
    },
};

/// The key of a request over what it asks for, if it has one.
pub(super) fn keyed(caller: &Caller, asked: &impl Serialize) -> Option<Keyed> {
    caller.idempotency_key.clone().map(|key| Keyed::new(key, asked))
}

/// The transaction of an act, which ends with its answer.
pub(super) struct Act<'a> {
    tx: Tx<'a>,
    keyed: Option<Keyed>,
}

/// How an act begins.
pub(super) enum Begun<'a> {
    /// It is carried out now.
    Now(Act<'a>),
    /// It has been carried out before, and this was the answer; or its key belongs to another one.
    Before(Answer),
}

impl<'a> Act<'a> {
    /// Begins it, once nobody else has anything under way under the same key.
    pub async fn begin(mut tx: Tx<'a>, keyed: Option<Keyed>) -> sqlx::Result<Begun<'a>> {
        if let Some(keyed) = &keyed {
            idempotency::alone(&mut tx, &keyed.key).await?;
            if let Some(answer) = idempotency::answer(&mut tx, keyed).await? {
                return Ok(Begun::Before(answer));
            }
        }
        Ok(Begun::Now(Act { tx, keyed }))
    }

    /// Commits what was done, and keeps this answer beside it.
    pub async fn commit(mut self, answer: &Answer) -> sqlx::Result<()> {
        if let Some(keyed) = &self.keyed {
            idempotency::keep(&mut self.tx, vec![(keyed, answer)]).await?;
        }
        self.tx.commit().await
    }
}

impl<'a> Deref for Act<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Tx<'a> {
        &self.tx
    }
}

impl<'a> DerefMut for Act<'a> {
    fn deref_mut(&mut self) -> &mut Tx<'a> {
        &mut self.tx
    }
}

/// What was answered under this key, for an act that has much to do before its transaction begins.
pub(super) async fn answered_before(pool: &PgPool, keyed: Option<&Keyed>) -> sqlx::Result<Option<Answer>> {
    match keyed {
        Some(keyed) => idempotency::answer(&mut Tx::from(pool.begin().await?), keyed).await,
        None => Ok(None),
    }
}
