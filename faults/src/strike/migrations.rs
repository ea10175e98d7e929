//! A service that is killed while it makes its tables: whoever starts next has to finish them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::STOPPED_WITHIN;
use crate::fault::Side;
use crate::ground::{Ground, READY_WITHIN};

const MIGRATED_WITHIN: Duration = Duration::from_secs(60);

/// Says whether it was killed in the middle, as 1 or 0: the last steps may be over before anybody can strike.
pub async fn kill_while_migrating(ground: &mut Ground, side: Side, steps: i64) -> Result<u64> {
    ground.apart += 1;
    let name = format!("{}-apart-{}", side.service(), ground.apart);
    let url = ground.postgres.create_service_database(&name.replace('-', "_")).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await?;
    let mut instance = ground.station(side).apart(&name, url)?;
    let give_up_at = Instant::now() + MIGRATED_WITHIN;
    // Without a pause: it is only a moment.
    while steps_made(&pool).await? < steps {
        ensure!(Instant::now() < give_up_at, "{name} makes no tables");
    }
    instance.kill().await?;
    let made = steps_made(&pool).await?;
    instance.restart().await?;
    instance.wait_ready(READY_WITHIN).await?;
    let all = steps_made(&pool).await?;
    let (expected, found) = (columns(ground.pool(side)).await?, columns(&pool).await?);
    let violations = expected.iter().filter(|column| !found.contains(column));
    let violations = violations.map(|column| format!("{name}, killed after {made} steps of {all}, has no {column}"));
    ground.half_made.extend(violations);
    instance.terminate(STOPPED_WITHIN).await?;
    Ok(u64::from(made < all))
}

/// How many migrations have been committed, of the chassis and of the service.
async fn steps_made(pool: &PgPool) -> Result<i64> {
    let mut made = 0;
    for history in ["_chassis_migrations", "_sqlx_migrations"] {
        let is_there: bool =
            sqlx::query_scalar("select to_regclass($1) is not null").bind(history).fetch_one(pool).await?;
        if is_there {
            let count = match history {
                "_chassis_migrations" => "select count(*) from _chassis_migrations where success",
                _ => "select count(*) from _sqlx_migrations where success",
            };
            made += sqlx::query_scalar::<_, i64>(count).fetch_one(pool).await?;
        }
    }
    Ok(made)
}

/// All columns of all tables, partitions of the log aside: which there are depends on the day.
async fn columns(pool: &PgPool) -> Result<Vec<String>> {
    let all = "select format('%s.%s %s', table_name, column_name, data_type) from information_schema.columns
               where table_schema = 'public' and table_name not like 'event\\_log\\_2%' order by 1";
    Ok(sqlx::query_scalar(all).fetch_all(pool).await?)
}
