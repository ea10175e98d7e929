//! Keeping the committer busy for as long as a test needs, and seeing what waits behind it.

use std::fs;

use anyhow::ensure;
use sqlx::{PgPool, Postgres, Transaction};
use tests::{PATIENCE, Service, eventually};

/// The lock on an article's row. Whoever wants the article waits, and everybody who comes later waits for them.
pub struct Held(Transaction<'static, Postgres>);

impl Held {
    /// Locks the row.
    pub async fn article(pool: &PgPool, sku: &str) -> Self {
        let mut tx = pool.begin().await.expect("a transaction");
        let locked = sqlx::query("select from products where sku = $1 for update").bind(sku).execute(&mut *tx).await;
        assert_eq!(locked.expect("the row is locked").rows_affected(), 1);
        Self(tx)
    }

    /// Waits until somebody waits for it.
    pub async fn is_wanted(&mut self) {
        let query =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        eventually("the committer waits for the article", PATIENCE, async || {
            let waiting: i64 = sqlx::query_scalar(query).fetch_one(&mut *self.0).await?;
            ensure!(waiting > 0, "nobody waits");
            anyhow::Ok(())
        })
        .await;
    }

    /// Lets them go on.
    pub async fn release(self) {
        self.0.rollback().await.expect("the lock is given back");
    }
}

/// Waits until a service has taken this many requests from the network, each over a connection of its own.
pub async fn has_read(service: &Service, requests: usize) {
    eventually("the service has read all requests", PATIENCE, async || {
        let read = connections(service).iter().filter(|one| one.is_open && one.unread_bytes == 0).count();
        ensure!(read >= requests, "{read} of {requests}");
        anyhow::Ok(())
    })
    .await;
}

/// Waits until a service has noticed of everybody who hung up that they did.
pub async fn has_noticed(service: &Service) {
    eventually("the service has let go of those who hung up", PATIENCE, async || {
        let unnoticed = connections(service).iter().filter(|one| !one.is_open).count();
        ensure!(unnoticed == 0, "{unnoticed} connections are not let go of");
        anyhow::Ok(())
    })
    .await;
}

struct Connection {
    is_open: bool,
    unread_bytes: u64,
}

/// The kernel's own view of a service's connections: the only witness that needs no help from what is tested.
/// <https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt>
fn connections(service: &Service) -> Vec<Connection> {
    let port: u16 = service.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel tells its connections");
    let ours = format!("0100007F:{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1) == Some(&ours.as_str())).filter_map(|row| connection(&row)).collect()
}

/// 01 is established, 08 is closed by the other side and not yet by this one.
fn connection(row: &[&str]) -> Option<Connection> {
    let (_, unread) = row.get(4)?.split_once(':')?;
    let unread_bytes = u64::from_str_radix(unread, 16).ok()?;
    match *row.get(3)? {
        "01" => Some(Connection { is_open: true, unread_bytes }),
        "08" => Some(Connection { is_open: false, unread_bytes }),
        _ => None,
    }
}
