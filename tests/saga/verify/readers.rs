//! The roles that `deploy/docker/postgres/databases.sql` makes: `verify` sees everything with them, and they can change nothing.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use devstack::Postgres;
use indicatif::ProgressBar;
use sagactl::verify::check_with_topics;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tests::{Env, Pair};
use tokio::process::Command;

use super::{PATIENT, confirmed};

const PASSWORD: &str = "secret";
/// PostgreSQL's word for what a role may not do.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Does what the container does with the script when its data directory is empty.
async fn made_by_the_script(env: &Env) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/docker/postgres/databases.sql");
    let mut psql = Command::new(Postgres::client_program("psql")?);
    psql.arg("--quiet").arg("--file").arg(script).arg(env.postgres().await.admin_url());
    for name in ["ORDERS_DATABASE", "DELIVERIES_DATABASE", "ORDERS_READER", "DELIVERIES_READER"] {
        psql.env(format!("{name}_PASSWORD"), PASSWORD);
    }
    let done = psql.output().await?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

async fn url(env: &Env, role: &str, database: &str) -> Result<String> {
    let mut url = url::Url::parse(&env.postgres().await.url(database))?;
    let named = url.set_username(role).and_then(|()| url.set_password(Some(PASSWORD)));
    named.ok().context("a URL with a host")?;
    Ok(url.into())
}

/// Everything that would change something in this database is refused.
async fn can_change_nothing(reader: &str) -> Result<()> {
    let mut connection = PgConnection::connect(reader).await?;
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&mut connection)
        .await?;
    ensure!(tables.len() > 10, "{tables:?}");
    let of_a_table = |table: &String| {
        [
            "insert into {} default values",
            "delete from {}",
            "truncate {}",
            "alter table {} add column more int",
            "drop table {}",
        ]
        .map(|change| change.replace("{}", table))
    };
    let changes = tables.iter().flat_map(of_a_table).chain(["create table its_own (id int)".to_owned()]);
    for change in changes {
        let refused = connection.execute(AssertSqlSafe(change.clone())).await.err().with_context(|| change.clone())?;
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        ensure!(code == INSUFFICIENT_PRIVILEGE, "{change}: {refused}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_can_only_read_are_all_that_it_takes() -> Result<()> {
    let env = Env::apart("readers").await;
    made_by_the_script(&env).await?;
    let [orders, deliveries] = ["order", "delivery"].map(|side| (format!("{side}_reader"), format!("{side}_service")));
    let (orders_url, deliveries_url) =
        (url(&env, &orders.1, &orders.1).await?, url(&env, &deliveries.1, &deliveries.1).await?);
    let (order_service, delivery_service) = tokio::join!(
        env.order_service().database(&orders_url).start(),
        env.delivery_service().database(&deliveries_url).start()
    );
    let pair = Pair { orders: order_service, deliveries: delivery_service, env };
    let shop = pair.shop();
    shop.sells("A", 10).await?;
    shop.serves("berlin", "10", 10).await?;
    confirmed(&shop).await;

    let env = &pair.env;
    let readers = [url(env, &orders.0, &orders.1).await?, url(env, &deliveries.0, &deliveries.1).await?];
    let pools = readers.each_ref().map(|reader| env.pool(reader));
    let report = check_with_topics(&pools[0], &pools[1], &env.kafka("verify"), &ProgressBar::hidden(), PATIENT).await?;
    ensure!(report.holds() && report.is_whole() && report.checked.orders == 1, "{report}");
    for reader in &readers {
        can_change_nothing(reader).await?;
    }
    let trespass = PgConnection::connect(&url(env, &orders.0, &deliveries.1).await?).await;
    ensure!(trespass.is_err(), "a reader of the one could connect to the other");
    Ok(())
}
