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
    let role = role(pool).await?;
    Ok(vec![rights(&role), memberships(&role), databases_of_others(&role), clock(pool).await?])
}

/// A role, together with all those that it is a member of: what they may is its own.
struct Role {
    name: String,
    superuser: bool,
    createdb: bool,
    createrole: bool,
    bypassrls: bool,
    replication: bool,
    /// Roles that log in, as the other service's does; and those that come with PostgreSQL, each for what goes beyond a database of one's
    /// own: reading and writing whatever there is, files and programs of the server, sessions of others.
    memberships: Vec<String>,
    /// Databases that it owns besides this one. The first of them.
    databases: Vec<String>,
}

async fn role(pool: &PgPool) -> sqlx::Result<Role> {
    // By the memberships themselves: pg_has_role says of a superuser that it is a member of everything.
    sqlx::query_as!(
        Role,
        r#"with recursive own (oid) as (
               select oid from pg_roles where rolname = current_user
               union
               select roleid from pg_auth_members join own on member = own.oid
           )
           select current_user::text as "name!", bool_or(rolsuper) as "superuser!", bool_or(rolcreatedb) as "createdb!",
                  bool_or(rolcreaterole) as "createrole!", bool_or(rolbypassrls) as "bypassrls!",
                  bool_or(rolreplication) as "replication!",
                  coalesce(array_agg(rolname::text order by rolname) filter (
                      where rolname <> current_user and (rolcanlogin or starts_with(rolname, 'pg_'))), '{}') as "memberships!",
                  array(select datname::text from pg_database
                        where datdba in (select oid from own) and datname <> current_database()
                        order by datname limit 10) as "databases!"
           from pg_roles where oid in (select oid from own)"#
    )
    .fetch_one(pool)
    .await
}

fn rights(role: &Role) -> Check {
    let rights = [
        (role.superuser, "superuser"),
        (role.createdb, "createdb"),
        (role.createrole, "createrole"),
        (role.bypassrls, "bypassrls"),
        (role.replication, "replication"),
    ];
    let too_many: Vec<&str> = rights.into_iter().filter_map(|(has, right)| has.then_some(right)).collect();
    let found = match too_many.is_empty() {
        true => format!("role {} is an ordinary one", role.name),
        false => format!("role {} is {}", role.name, too_many.join(", ")),
    };
    Check {
        name: "database role: rights".to_owned(),
        found,
        wanted: "a role that may do nothing but use its own database",
        severity: Severity::refusal_unless(too_many.is_empty()),
    }
}

fn memberships(role: &Role) -> Check {
    let found = match role.memberships.is_empty() {
        true => format!("role {} is nobody but itself", role.name),
        false => format!("role {} is a member of {}", role.name, role.memberships.join(", ")),
    };
    Check {
        name: "database role: memberships".to_owned(),
        found,
        wanted: "a role that is a member of no other that logs in, and of none of PostgreSQL's own (pg_…)",
        severity: Severity::refusal_unless(role.memberships.is_empty()),
    }
}

fn databases_of_others(role: &Role) -> Check {
    let others = &role.databases;
    Check {
        name: "database role: databases".to_owned(),
        found: if others.is_empty() { "it owns no other".to_owned() } else { format!("it owns {}", others.join(", ")) },
        wanted: "a role that owns no database but its own, least of all the other service's",
        severity: Severity::refusal_unless(others.is_empty()),
    }
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
