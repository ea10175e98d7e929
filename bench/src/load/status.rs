//! What order-service says of itself.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::connection::Connection;

/// A connection to `/status`.
pub struct Door {
    connection: Connection,
    ask: String,
}

impl Door {
    /// Connects, as somebody of the office.
    pub async fn at(address: SocketAddr, token: &str) -> Result<Self> {
        let ask = format!("GET /status HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n");
        Ok(Self { connection: Connection::open(address).await?, ask })
    }

    /// How many orders waited for the delivery side's word at the service's last look; nothing where it could not look.
    pub async fn undecided_orders(&mut self) -> Result<Option<f64>> {
        let answer = self.connection.exchange(self.ask.as_bytes()).await?;
        ensure!(answer.status == 200, "GET /status was answered {}", answer.status);
        let status: Value = serde_json::from_slice(answer.body).context("GET /status was not answered with JSON")?;
        Ok(status["undecided_orders"].as_f64())
    }
}
