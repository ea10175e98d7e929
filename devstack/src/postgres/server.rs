//! A PostgreSQL server of our own.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Url;
use rustix::process::Signal;

use super::installation::Installation;
use super::{Shutdown, databases};
use crate::guarded::{Guarded, Invocation};
use crate::{port, wait_until};

/// Recovery after a kill replays the write-ahead log: that may take a while on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// PostgreSQL's words when a killed predecessor's children have not all gone yet.
const PREDECESSOR_THERE: &str = "is still in use";

pub(super) struct Server {
    process: Guarded,
    installation: Installation,
    password: String,
    port: u16,
}

/// What came of one start.
enum Started {
    Ready,
    PortTaken,
    PredecessorThere,
}

impl Server {
    /// Lays out an empty cluster and starts a server on it.
    pub async fn start(installation: Installation) -> Result<Self> {
        // SIGQUIT is the immediate shutdown: the postmaster takes its children with it, SIGKILL would orphan them.
        let process = Guarded::new("postgresql", Signal::QUIT, None)?;
        let password = installation.lay_out(process.directory()).await?;
        let mut server = Self { process, installation, password, port: port::free_port()? };
        while let Started::PortTaken = server.launch().await? {
            server.port = port::free_port()?;
        }
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    pub fn admin_url(&self) -> Result<Url> {
        let url = format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.password, self.port);
        Url::parse(&url).context("The administrator's URL is none.")
    }

    pub async fn stop(&mut self, shutdown: Shutdown) -> Result<()> {
        let signal = match shutdown {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        };
        self.process.end(signal, STOPPED_WITHIN).await.map(drop)
    }

    pub async fn kill(&mut self) -> Result<()> {
        self.process.end(Signal::KILL, STOPPED_WITHIN).await.map(drop)
    }

    /// Stops what runs, and starts it on the same port: those who know the address find it again.
    pub async fn restart(&mut self, shutdown: Shutdown) -> Result<()> {
        self.stop(shutdown).await?;
        let back = wait_until(READY_WITHIN, async || match self.launch().await? {
            Started::Ready => Ok(Some(())),
            Started::PortTaken | Started::PredecessorThere => Ok(None),
        });
        let back = back.await?;
        back.ok_or_else(|| self.process.failure("PostgreSQL could not be started again"))
    }

    /// One start: until connections are accepted, or the postmaster has gone.
    async fn launch(&mut self) -> Result<Started> {
        let admin = self.admin_url()?;
        self.process.start(&self.invocation())?;
        let ready = wait_until(READY_WITHIN, async || {
            if !self.process.is_running()? {
                return self.why_it_ended().map(Some);
            }
            // Refused, or "the database system is starting up": either way it is not ready yet.
            Ok(databases::connect(&admin).await.is_ok().then_some(Started::Ready))
        });
        let ready = ready.await?;
        ready.ok_or_else(|| self.process.failure("PostgreSQL started, but accepts no connections"))
    }

    fn why_it_ended(&self) -> Result<Started> {
        let said = self.process.said()?;
        match said {
            said if said.contains(port::TAKEN) => Ok(Started::PortTaken),
            said if said.contains(PREDECESSOR_THERE) => Ok(Started::PredecessorThere),
            _ => Err(self.process.failure("PostgreSQL ended while it was starting")),
        }
    }

    fn invocation(&self) -> Invocation {
        let data = self.process.directory().join("data").display().to_string();
        let port = self.port.to_string();
        let mut args: Vec<String> = ["-D", &data, "-p", &port].map(str::to_owned).into();
        // No Unix socket: its path may be at most 107 bytes long, and a temporary directory may be longer than that.
        // Two services of one instance take up to fifty connections, and eight tests run side by side with a pair each.
        let mut settings = vec!["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=600"];
        if cfg!(target_os = "linux") {
            // After a crash everything is synced before recovery: as durable in one call as file by file, and on a busy
            // disk seconds quicker.
            settings.push("recovery_init_sync_method=syncfs");
        }
        args.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        let (program, args) = self.installation.invocation("postgres", args);
        // Its words are read above, so they must not depend on the user's language.
        Invocation { program, args, environment: vec![("LC_ALL".to_owned(), "C".to_owned())] }
    }
}
