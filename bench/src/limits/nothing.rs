//! The services' own HTTP server, with all that a request passes there, and a handler that does nothing. It is a process of its own, as a
//! service is: this program once more, called with [`SERVE`].

use std::io;
use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use chassis::access::{Access, Rule, Scope};
use chassis::http::layers::{self, Limits};
use chassis::http::{metrics, server};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::placing;

/// The argument that makes this program serve nothing.
pub const SERVE: &str = "serve-nothing";

/// As the services have them unless told otherwise.
const LIMITS: Limits = Limits { concurrent_requests: 1_024, request_timeout: Duration::from_secs(10) };
const CONNECTIONS: usize = 4_096;

/// Serves until its standard input ends: with whoever started it.
pub async fn serve() -> ExitCode {
    match until_input_ends().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{SERVE}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn until_input_ends() -> Result<()> {
    // Counting is a part of what a request costs.
    metrics::recorder()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let access = Access::open(&[Rule::new("POST", "/orders", &[Scope::Customer])])?;
    let routes = layers::wrap(Router::new().route("/orders", post(answer)), Router::new(), LIMITS, access);
    let input_ends = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink()));
    tokio::spawn(server::serve(listener, routes, CONNECTIONS, CancellationToken::new()));
    input_ends.await?.map(drop).context("The standard input could not be read.")
}

/// Reads what was asked, and has the answer ready.
async fn answer(_asked: Bytes) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::LOCATION, "/orders/019abcde-0000-7000-8000-00000000000a"),
    ];
    (StatusCode::CREATED, headers, placing::ANSWER)
}

/// The process. Dropped, it ends.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Child,
}

impl Server {
    /// Starts it, and answers when it listens.
    pub async fn start() -> Result<Self> {
        let us = std::env::current_exe().context("The running executable does not know where it is.")?;
        let mut process = Command::new(us)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("This program could not be started once more.")?;
        let said = process.stdout.take().context("It has no standard output.")?;
        let mut address = String::new();
        BufReader::new(said).read_line(&mut address).await?;
        let address = address.trim().parse().context("It did not say where it listens.")?;
        Ok(Self { address, _process: process })
    }
}
