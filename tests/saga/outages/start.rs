//! A service is started while its database has no connection to spare.

use anyhow::{Result, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tests::{Env, PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_a_database_that_has_no_connection_to_spare() -> Result<()> {
    let env = Env::apart("crowded").await;
    // It is migrated, so that the next start asks for its second connection soon.
    env.order_service().start().await.kill().await?;
    let admin = env.postgres().await.admin_url().to_owned();
    let mut admin = PgConnection::connect(&admin).await?;
    let role = env.orders_database().rsplit('/').next().expect("a name").to_owned();
    let limit = async |admin: &mut PgConnection, at_most: i32| {
        admin.execute(AssertSqlSafe(format!("alter role {role} connection limit {at_most}"))).await
    };
    limit(&mut admin, 1).await?;
    let mut service = env.order_service().spawn().await;
    eventually("it waits for a second connection", PATIENCE, async || {
        let said = std::fs::read_to_string(service.log_path())?;
        ensure!(said.contains("waiting for the database"), "{said}");
        Ok(())
    })
    .await;
    limit(&mut admin, -1).await?;
    service.wait_ready(PATIENCE).await
}
