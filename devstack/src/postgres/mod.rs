//! A PostgreSQL server: the one that `DATABASE_URL` names, or one of our own.

mod databases;
mod installation;
mod server;

use std::path::PathBuf;

use anyhow::{Context, Result};
use reqwest::Url;

use self::installation::Installation;
use self::server::Server;
use crate::{Progress, given};

/// How a server of our own is made to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Open transactions are rolled back, everything is written down (SIGINT).
    Fast,
    /// As if the machine lost its power: the next start recovers from the write-ahead log (SIGQUIT).
    Immediate,
}

/// A server and the right to make databases in it. Dropping it ends a server of our own and removes its files.
pub struct Postgres {
    admin: Url,
    /// `None` when `DATABASE_URL` named the server: it is somebody else's, and we never stop it.
    server: Option<Server>,
}

impl Postgres {
    /// Uses the server that `DATABASE_URL` names (its role must be allowed to make roles and databases); without one,
    /// starts a fresh server on a free port of 127.0.0.1. Durability is as PostgreSQL comes: fault tests rely on it.
    pub async fn start(progress: &Progress) -> Result<Self> {
        match given("DATABASE_URL") {
            Some(url) => Self::given(&url, progress).await,
            None => Self::start_own(progress).await,
        }
    }

    async fn given(url: &str, progress: &Progress) -> Result<Self> {
        let step = progress.step("Looking for PostgreSQL");
        let admin =
            Url::parse(url).context("DATABASE_URL is not a URL (postgres://user:password@host:port/database).")?;
        databases::connect(&admin).await.context("The server that DATABASE_URL names does not answer.")?;
        step.done(&format!("PostgreSQL of DATABASE_URL, at {}", admin.host_str().unwrap_or("its socket")));
        Ok(Self { admin, server: None })
    }

    /// Starts a fresh server whatever the environment says: for those who mean to stop and kill it.
    pub async fn start_own(progress: &Progress) -> Result<Self> {
        let step = progress.step("Starting PostgreSQL");
        let installation = Installation::find().await?;
        let version = installation.version().to_owned();
        let server = Server::start(installation).await?;
        let admin = server.admin_url()?;
        step.done(&format!("PostgreSQL {version} on 127.0.0.1:{}", server.port()));
        Ok(Self { admin, server: Some(server) })
    }

    /// Whether the server was given, and so belongs to somebody else.
    pub fn is_given(&self) -> bool {
        self.server.is_none()
    }

    /// Where one of PostgreSQL's client programs (`pgbench`, `psql`) lies on this machine.
    pub fn client_program(name: &str) -> Result<PathBuf> {
        installation::client(name)
    }

    /// The process id of the postmaster of a server of our own, while it runs: all others of the server are its children.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(Server::pid)
    }

    /// The administrator's URL: for making databases, and for looking into any of them.
    pub fn admin_url(&self) -> &str {
        self.admin.as_str()
    }

    /// The administrator's URL of the database `database`.
    pub fn url(&self, database: &str) -> String {
        let mut url = self.admin.clone();
        url.set_path(database);
        url.into()
    }

    /// Makes a database and answers with its URL. It must not be there yet.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        databases::create(&self.admin, name).await?;
        Ok(self.url(name))
    }

    /// Removes a database if it is there, and cuts the connections that are using it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        databases::drop_database(&self.admin, name).await
    }

    /// Makes a role and a database of the same name, owned by that role, and answers with the role's URL. No other
    /// role can connect to it, and its time-outs keep one stuck statement from holding up everybody. What is there
    /// already is kept, but for the role's password, which is new each time.
    pub async fn create_service_database(&self, name: &str) -> Result<String> {
        databases::create_for_service(&self.admin, name).await
    }

    /// Removes what [`Postgres::create_service_database`] made.
    pub async fn drop_service_database(&self, name: &str) -> Result<()> {
        databases::drop_for_service(&self.admin, name).await
    }

    /// Makes a role of this name that may read a service's database (`service`: its URL, as the service itself reaches it) and do
    /// nothing else, also what the service makes there later. Answers with the role's URL; if it is there already, its password is new.
    pub async fn create_reader(&self, service: &str, name: &str) -> Result<String> {
        databases::create_reader(&self.admin, service, name).await
    }

    /// Removes what [`Postgres::create_reader`] made, once the database is gone that it may read.
    pub async fn drop_reader(&self, name: &str) -> Result<()> {
        databases::drop_role(&self.admin, name).await
    }

    /// Stops the server and starts it again on the same port with the same data. After [`Postgres::kill`] or
    /// [`Postgres::stop`] it only starts. Answers when connections are accepted again.
    pub async fn restart(&mut self, shutdown: Shutdown) -> Result<()> {
        self.own_server()?.restart(shutdown).await
    }

    /// Stops the server in good order. Its data stay until this value is dropped.
    pub async fn stop(&mut self) -> Result<()> {
        self.own_server()?.stop(Shutdown::Fast).await
    }

    /// Kills the postmaster with SIGKILL: nothing is written down any more. [`Postgres::restart`] recovers.
    pub async fn kill(&mut self) -> Result<()> {
        self.own_server()?.kill().await
    }

    fn own_server(&mut self) -> Result<&mut Server> {
        self.server.as_mut().context("The PostgreSQL server that DATABASE_URL names is not ours to stop.")
    }
}
