//! PostgreSQL of our own: separate databases, and data that outlive a restart and a crash.

use anyhow::{Result, ensure};
use devstack::{Postgres, Progress, Shutdown};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

async fn execute(url: &str, statement: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(())
}

async fn rows(url: &str) -> Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar("select count(*) from kept").fetch_one(&mut connection).await?)
}

#[tokio::test]
async fn each_service_has_its_own_database_and_data_outlive_a_crash() -> Result<()> {
    let mut postgres = Postgres::start_own(&Progress::hidden()).await?;

    let orders = postgres.create_service_database("orders").await?;
    let deliveries = postgres.create_service_database("deliveries").await?;
    execute(&orders, "create table kept (id int); insert into kept values (1)").await?;
    let trespass = deliveries.replace("/deliveries", "/orders");
    ensure!(execute(&trespass, "select 1").await.is_err(), "a role could connect to the other's database");
    let mut connection = PgConnection::connect(&orders).await?;
    let limit: String = sqlx::query_scalar("show statement_timeout").fetch_one(&mut connection).await?;
    ensure!(limit == "15s", "statement_timeout is {limit}");
    let reader = postgres.create_reader(&orders, "orders_reader").await?;
    execute(&orders, "create table later (id int)").await?;
    ensure!(rows(&reader).await? == 1, "a reader sees another row");
    execute(&reader, "select * from later").await?;
    for change in ["insert into kept values (9)", "delete from later", "create table its_own (id int)"] {
        ensure!(execute(&reader, change).await.is_err(), "a reader could {change}");
    }

    postgres.restart(Shutdown::Fast).await?;
    ensure!(rows(&orders).await? == 1, "a restart lost a row");
    execute(&orders, "insert into kept values (2)").await?;
    postgres.restart(Shutdown::Immediate).await?;
    ensure!(rows(&orders).await? == 2, "an immediate restart lost a row");

    execute(&orders, "insert into kept values (3)").await?;
    let open = PgConnection::connect(&orders).await?;
    postgres.kill().await?;
    postgres.restart(Shutdown::Fast).await?;
    ensure!(rows(&orders).await? == 3, "a crash lost a row");
    drop(open);

    postgres.create_database("spare").await?;
    ensure!(postgres.create_database("spare").await.is_err(), "a database was made twice");
    postgres.drop_database("spare").await?;
    postgres.drop_service_database("orders").await?;
    postgres.drop_reader("orders_reader").await?;
    ensure!(rows(&orders).await.is_err(), "a dropped database is still there");
    postgres.stop().await
}
