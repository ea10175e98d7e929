//! The administrator's statements. None of them takes parameters in SQL, so names are checked before they are written.

use anyhow::{Context, Result, bail};
use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// Limits for a service's role: a service answers within seconds or not at all, and a forgotten transaction must not
/// keep rows locked.
const ROLE_LIMITS: [&str; 3] =
    ["statement_timeout = '15s'", "lock_timeout = '10s'", "idle_in_transaction_session_timeout = '30s'"];

/// Connects as the administrator.
pub(super) async fn connect(admin: &Url) -> Result<PgConnection> {
    PgConnection::connect(admin.as_str()).await.context("PostgreSQL could not be reached.")
}

/// Makes a database that must not be there yet.
pub(super) async fn create(admin: &Url, name: &str) -> Result<()> {
    check_name(name)?;
    execute(&mut connect(admin).await?, format!("create database {name}")).await
}

/// Makes a database unless it is there.
pub(super) async fn ensure(admin: &Url, name: &str, owner: Option<&str>) -> Result<()> {
    check_name(name)?;
    let mut connection = connect(admin).await?;
    if is_there(&mut connection, "select exists (select from pg_database where datname = $1)", name).await? {
        return Ok(());
    }
    let owner = owner.map(|owner| format!(" owner {owner}")).unwrap_or_default();
    execute(&mut connection, format!("create database {name}{owner}")).await
}

/// Removes a database if it is there.
pub(super) async fn drop_database(admin: &Url, name: &str) -> Result<()> {
    check_name(name)?;
    execute(&mut connect(admin).await?, format!("drop database if exists {name} with (force)")).await
}

/// Makes a role with a fresh password, and its database.
pub(super) async fn create_for_service(admin: &Url, name: &str) -> Result<String> {
    check_name(name)?;
    let mut connection = connect(admin).await?;
    let password = create_role(&mut connection, name).await?;
    for limit in ROLE_LIMITS {
        execute(&mut connection, format!("alter role {name} set {limit}")).await?;
    }
    ensure(admin, name, Some(name)).await?;
    execute(&mut connection, format!("revoke all on database {name} from public")).await?;
    role_url(admin, name, name, &password)
}

/// Makes a role that may read this service's database and do nothing else, also what the service makes there later.
pub(super) async fn create_reader(admin: &Url, service: &str, name: &str) -> Result<String> {
    check_name(name)?;
    let password = create_role(&mut connect(admin).await?, name).await?;
    let service = Url::parse(service).context("The URL of a service's database is none.")?;
    let database = service.path().trim_start_matches('/').to_owned();
    check_name(&database)?;
    // As its owner, who may grant what is its own, and nobody else need.
    let mut owner = connect(&service).await?;
    for grant in [
        format!("grant connect on database {database} to {name}"),
        format!("grant select on all tables in schema public to {name}"),
        format!("alter default privileges grant select on tables to {name}"),
    ] {
        execute(&mut owner, grant).await?;
    }
    role_url(admin, &database, name, &password)
}

/// Makes a role, or gives it a new password if it is there.
async fn create_role(admin: &mut PgConnection, name: &str) -> Result<String> {
    let known = is_there(admin, "select exists (select from pg_roles where rolname = $1)", name).await?;
    let verb = if known { "alter" } else { "create" };
    let password = Uuid::new_v4().simple().to_string();
    execute(admin, format!("{verb} role {name} login password '{password}'")).await?;
    Ok(password)
}

/// Removes a service's database and its role.
pub(super) async fn drop_for_service(admin: &Url, name: &str) -> Result<()> {
    drop_database(admin, name).await?;
    drop_role(admin, name).await
}

/// Removes a role if it is there.
pub(super) async fn drop_role(admin: &Url, name: &str) -> Result<()> {
    check_name(name)?;
    execute(&mut connect(admin).await?, format!("drop role if exists {name}")).await
}

fn role_url(admin: &Url, database: &str, role: &str, password: &str) -> Result<String> {
    let mut url = admin.clone();
    url.set_path(database);
    if url.set_username(role).is_err() || url.set_password(Some(password)).is_err() {
        bail!("A URL of PostgreSQL needs a host to carry a role's name.");
    }
    Ok(url.into())
}

/// Lower case, digits and underscores: such a name needs no quotes anywhere, and can't say anything else in SQL.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 63 || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain)
    {
        bail!(
            "{name:?} is no name for a database: up to 63 lower-case letters, digits and underscores, no digit first."
        );
    }
    Ok(())
}

async fn is_there(connection: &mut PgConnection, question: &'static str, name: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(question).bind(name).fetch_one(connection).await?)
}

async fn execute(connection: &mut PgConnection, statement: String) -> Result<()> {
    // The statement may hold a password: the error shows PostgreSQL's words, not ours.
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.context("PostgreSQL refused a statement.")?;
    Ok(())
}
