//! One batch of requests, from its transaction to everybody's answer.

use std::{collections::HashSet, time::Duration};

use sqlx::{Acquire, PgConnection, PgPool};
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use super::{
    Asked, Requests, TRY_AGAIN_AFTER,
    outcome::{self, Mark, Outcome},
};
use crate::{
    Failure, Tx, clock,
    database::{OwnConnection, answered},
    failure::leaves_commit_unknown,
    http::{
        Answer, Problem,
        idempotency::{self, Begun, Keyed},
    },
    messaging::HandOver,
};

/// A request on its way, with where its answer goes.
#[derive(Debug)]
pub struct Asking<Q> {
    pub(super) asked: Asked<Q>,
    pub(super) keyed: Option<Keyed>,
    pub(super) answer: oneshot::Sender<Result<Answer, Problem>>,
}

/// How long a batch is tried when it fails for a passing reason, before everybody is told to come back later.
const TRY_FOR: Duration = Duration::from_secs(2);

/// Splits off the requests whose key another one in the batch has: they wait for the next batch, and find its answer kept.
pub(super) fn without_twins<Q>(batch: Vec<Asking<Q>>) -> (Vec<Asking<Q>>, Vec<Asking<Q>>) {
    let mut keys = HashSet::new();
    batch.into_iter().partition(|asking| asking.keyed.as_ref().is_none_or(|keyed| keys.insert(keyed.key.clone())))
}

/// With what a batch is carried out.
pub(super) struct Committing<'a, R> {
    pub requests: &'a R,
    pub pool: &'a PgPool,
    pub connection: &'a mut OwnConnection,
    /// Gets what is announced.
    pub relay: &'a HandOver,
    pub committer: Uuid,
}

/// Decides, commits and answers. A request that can never be carried out is found by halving, and answered alone.
pub(super) async fn carry_out<R: Requests>(committing: &mut Committing<'_, R>, batch: Vec<Asking<R::Request>>) {
    let mut halves = vec![batch];
    while let Some(mut batch) = halves.pop() {
        let (asked, keyed): (Vec<_>, Vec<_>) =
            batch.iter().map(|asking| (&asking.asked, asking.keyed.as_ref())).unzip();
        match try_until_settled(committing, &asked, &keyed).await {
            Ok(answers) => answer_all(batch, answers.into_iter().map(Ok)),
            Err(Refused::Transient(problem)) => answer_all(batch, std::iter::repeat(Err(problem))),
            Err(Refused::Permanent(error)) if batch.len() == 1 => {
                tracing::error!(error = %error, "a request can never be carried out: {error:#}");
                answer_all(batch, std::iter::once(Err(Problem::internal())));
            }
            Err(Refused::Permanent(_)) => {
                let second = batch.split_off(batch.len() / 2);
                // Last in, first out: the first half goes first, so requests are decided in the order they came.
                halves.extend([second, batch]);
            }
        }
    }
}

enum Refused {
    Transient(Problem),
    Permanent(anyhow::Error),
}

/// What one try came to.
enum Tried {
    Settled(Vec<Answer>),
    /// Somebody else used one of the keys at the same moment: read again and see their answer.
    PlanAgain,
    /// The COMMIT went unanswered, and nobody could say what became of it.
    Unknown,
}

async fn try_until_settled<R: Requests>(
    committing: &mut Committing<'_, R>,
    asked: &[&Asked<R::Request>],
    keyed: &[Option<&Keyed>],
) -> Result<Vec<Answer>, Refused> {
    let give_up_at = Instant::now() + TRY_FOR;
    loop {
        match try_once(committing, asked, keyed).await {
            Ok(Tried::Settled(answers)) => return Ok(answers),
            Ok(Tried::PlanAgain) => {}
            Ok(Tried::Unknown) => {
                let detail = "The database went away during the commit, and whether the request was carried out is not known: \
                              ask again with the same Idempotency-Key, or look.";
                return Err(Refused::Transient(Problem::unavailable("outcome_unknown", detail)));
            }
            Err(Failure::Transient(error)) => {
                tracing::warn!(%error, requests = asked.len(), "a batch of requests could not be committed: {error:#}");
                if Instant::now() > give_up_at {
                    return Err(Refused::Transient(Problem::database_unavailable()));
                }
                tokio::time::sleep(TRY_AGAIN_AFTER).await;
            }
            Err(Failure::Permanent(error)) => return Err(Refused::Permanent(error)),
            Err(unknown @ Failure::UnknownOrders(_)) => return Err(Refused::Permanent(unknown.into())),
        }
    }
}

async fn try_once<R: Requests>(
    committing: &mut Committing<'_, R>,
    asked: &[&Asked<R::Request>],
    keyed: &[Option<&Keyed>],
) -> Result<Tried, Failure> {
    let Committing { requests, pool, connection: own, relay, committer } = committing;
    let mut connection = own.take(pool).await?;
    let mark = Mark { committer: *committer, id: clock::fresh_id() };
    let prepared = answered(prepare(*requests, relay, &mut connection, asked, keyed, mark));
    let Some(Prepared { tx, transaction_id, answers }) = prepared.await? else { return Ok(Tried::PlanAgain) };
    match answered(tx.commit()).await {
        Ok(()) => {
            own.keep(connection);
            Ok(Tried::Settled(answers))
        }
        Err(error) if leaves_commit_unknown(&error) => match outcome::look_up(pool, &transaction_id, mark).await {
            Outcome::Committed => Ok(Tried::Settled(answers)),
            Outcome::Aborted => Err(Failure::Transient(error.into())),
            Outcome::Unknown => Ok(Tried::Unknown),
        },
        Err(error) => Err(error.into()),
    }
}

/// A batch that only has to be committed.
struct Prepared<'c> {
    tx: Tx<'c>,
    transaction_id: String,
    answers: Vec<Answer>,
}

/// Everything up to the COMMIT. Nothing if somebody else has just used one of the keys.
async fn prepare<'c, R: Requests>(
    requests: &R,
    relay: &HandOver,
    connection: &'c mut PgConnection,
    asked: &[&Asked<R::Request>],
    keyed: &[Option<&Keyed>],
    mark: Mark,
) -> Result<Option<Prepared<'c>>, Failure> {
    let mut tx = Tx::announcing_to(relay, connection.begin().await?);
    let keys: Vec<_> = keyed.iter().flatten().map(|keyed| &keyed.key).collect();
    let Begun { transaction_id, kept } = idempotency::begin(&mut tx, &keys, mark).await?;
    let earlier: Vec<Option<Answer>> = keyed
        .iter()
        .map(|keyed| keyed.and_then(|keyed| kept.get(&keyed.key).map(|kept| kept.answer_to(keyed))))
        .collect();
    let fresh = asked.iter().zip(keyed).zip(&earlier).filter(|(_, earlier)| earlier.is_none());
    let (fresh, fresh_keys): (Vec<_>, Vec<Option<&Keyed>>) = fresh.map(|((asked, keyed), _)| (*asked, *keyed)).unzip();
    let decided = if fresh.is_empty() { Vec::new() } else { requests.decide(&mut tx, &fresh).await? };
    if decided.len() != fresh.len() {
        let error = anyhow::anyhow!("{} requests got {} answers", fresh.len(), decided.len());
        return Err(Failure::Permanent(error));
    }
    let to_keep = fresh_keys.into_iter().zip(&decided).filter(|(_, answer)| answer.is_kept());
    let to_keep = to_keep.filter_map(|(keyed, answer)| keyed.map(|keyed| (keyed, answer))).collect();
    if !idempotency::keep(&mut tx, to_keep).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let mut decided = decided.into_iter();
    let answers = earlier.into_iter().filter_map(|earlier| earlier.or_else(|| decided.next())).collect();
    Ok(Some(Prepared { tx, transaction_id, answers }))
}

fn answer_all<Q>(batch: Vec<Asking<Q>>, answers: impl Iterator<Item = Result<Answer, Problem>>) {
    for (asking, answer) in batch.into_iter().zip(answers) {
        if asking.answer.send(answer).is_err() {
            tracing::debug!("a caller went away before its answer");
        }
    }
}
