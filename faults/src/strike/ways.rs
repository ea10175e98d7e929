//! The ways between the services and what they need.

use std::time::Duration;

use anyhow::Result;
use tests::{COMMIT, Proxy, Traffic};

use super::wait;
use crate::fault::{From, How, Side};
use crate::ground::{Ground, OURSELVES, Station};

/// Says how many connections were terminated.
pub async fn cut_backends(ground: &Ground) -> Result<u64> {
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where datname = current_database() and usename = datname and application_name <> $1";
    let mut all = 0;
    for side in Side::BOTH {
        let cut: i64 = sqlx::query_scalar(cut).bind(OURSELVES).fetch_one(ground.pool(side)).await?;
        all += cut.unsigned_abs();
    }
    Ok(all)
}

/// Cuts a service off for a while; says how many pieces and connections that met.
pub async fn cut_off(station: &Station, from: From, how: How, for_ms: u64) -> u64 {
    let proxy = match from {
        From::Broker => &station.to_broker,
        From::Database => &station.to_database,
    };
    let harmed = proxy.harmed();
    cut(proxy, how);
    wait(for_ms).await;
    let hits = proxy.harmed() - harmed;
    station.mend();
    hits as u64
}

fn cut(proxy: &Proxy, how: How) {
    match how {
        How::Vanishes => proxy.set(Traffic::Vanishes),
        How::IsRefused => {
            proxy.set(Traffic::IsRefused);
            proxy.cut();
        }
        How::Dawdles { ms } => proxy.set(Traffic::Dawdles(Duration::from_millis(ms))),
        How::AnswersBreakOff { bytes } => proxy.set(Traffic::AnswersBreakOff(bytes)),
        How::QuestionsBreakOff { bytes } => proxy.set(Traffic::QuestionsBreakOff(bytes)),
        How::SwallowsCommits { questions } => proxy.lose_questions(COMMIT, questions),
        How::LosesCommits { answers } => proxy.lose_answers_to(COMMIT, answers),
    }
}
