//! The service's own database: what its role may do, and what time it is there.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::{Check, Severity};
use crate::clock;

/// By how much two clocks may differ. Ids sort by time and deadlines are compared with it: seconds do no harm, minutes do.
pub const MOST_SKEW: TimeDelta = TimeDelta::seconds(2);

/// The role that this pool connects with, and the database's clock.
///
/// # Errors
/// The database does not answer.
pub async fn database(pool: &PgPool) -> sqlx::Result<Vec<Check>> {
    Ok(vec![rights(pool).await?, databases_of_others(pool).await?, clock(pool).await?])
}

async fn rights(pool: &PgPool) -> sqlx::Result<Check> {
    // Those of a role that it may become are its own.
    let has = sqlx::query!(
        r#"select current_user::text as "role!", bool_or(rolsuper) as "superuser!", bool_or(rolcreatedb) as "createdb!",
                  bool_or(rolcreaterole) as "createrole!", bool_or(rolbypassrls) as "bypassrls!",
                  bool_or(rolreplication) as "replication!"
           from pg_roles where pg_has_role(current_user, oid, 'member')"#
    )
    .fetch_one(pool)
    .await?;
    let rights = [
        (has.superuser, "superuser"),
        (has.createdb, "createdb"),
        (has.createrole, "createrole"),
        (has.bypassrls, "bypassrls"),
        (has.replication, "replication"),
    ];
    let too_many: Vec<&str> = rights.into_iter().filter_map(|(has, right)| has.then_some(right)).collect();
    let found = match too_many.is_empty() {
        true => format!("role {} is an ordinary one", has.role),
        false => format!("role {} is {}", has.role, too_many.join(", ")),
    };
    Ok(Check {
        name: "database role: rights".to_owned(),
        found,
        wanted: "a role that may do nothing but use its own database",
        severity: Severity::refusal_unless(too_many.is_empty()),
    })
}

async fn databases_of_others(pool: &PgPool) -> sqlx::Result<Check> {
    let others = sqlx::query_scalar!(
        r#"select datname::text as "name!" from pg_database
           join pg_roles on pg_roles.oid = datdba
           where rolname = current_user and datname <> current_database()
           order by datname limit 10"#
    )
    .fetch_all(pool)
    .await?;
    Ok(Check {
        name: "database role: databases".to_owned(),
        found: if others.is_empty() { "it owns no other".to_owned() } else { format!("it owns {}", others.join(", ")) },
        wanted: "a role that owns no database but its own, least of all the other service's",
        severity: Severity::refusal_unless(others.is_empty()),
    })
}

async fn clock(pool: &PgPool) -> sqlx::Result<Check> {
    let mut connection = pool.acquire().await?;
    let before = clock::now();
    let there = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut *connection).await?;
    Ok(clock_skew("PostgreSQL", before, there, clock::now()))
}

/// What another clock said between these two moments of ours.
#[must_use]
pub fn clock_skew(whose: &str, before: DateTime<Utc>, there: DateTime<Utc>, after: DateTime<Utc>) -> Check {
    // It may have been read at any moment in between.
    let skew = if there < before { there - before } else { (there - after).max(TimeDelta::zero()) };
    let found = match skew.is_zero() {
        true => "the same time".to_owned(),
        false => format!("{} ms {}", skew.num_milliseconds().abs(), if there < before { "behind" } else { "ahead" }),
    };
    Check {
        name: format!("clock: {whose}"),
        found,
        wanted: "at most 2 s from this machine's clock, because ids sort by time and deadlines are compared with it",
        severity: Severity::refusal_unless(skew.abs() <= MOST_SKEW),
    }
}
