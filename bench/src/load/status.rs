//! What order-service says of itself.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::connection::Connection;

const ASK: &[u8] = b"GET /status HTTP/1.1\r\nhost: bench\r\n\r\n";

/// A connection to `/status`.
pub struct Door(Connection);

impl Door {
    /// Connects.
    pub async fn at(address: SocketAddr) -> Result<Self> {
        Ok(Self(Connection::open(address).await?))
    }

    /// How many orders waited for the delivery side's word at the service's last look; nothing where it could not look.
    pub async fn undecided_orders(&mut self) -> Result<Option<f64>> {
        let answer = self.0.exchange(ASK).await?;
        ensure!(answer.status == 200, "GET /status was answered {}", answer.status);
        let status: Value = serde_json::from_slice(answer.body).context("GET /status was not answered with JSON")?;
        Ok(status["undecided_orders"].as_f64())
    }
}
