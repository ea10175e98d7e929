//! A scratch PostgreSQL for scripts: prints the administrator's URL, and stays until standard input is closed.

use std::io::Write;

use anyhow::Result;
use devstack::{Postgres, Progress};

#[tokio::main]
async fn main() -> Result<()> {
    let postgres = Postgres::start(&Progress::shown()).await?;
    println!("{}", postgres.admin_url());
    std::io::stdout().flush()?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())).await??;
    // Dropping the server ends it and removes its files; one that DATABASE_URL named stays.
    drop(postgres);
    Ok(())
}
