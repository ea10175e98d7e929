//! One of our services as a child process.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::guarded::{Guarded, Invocation};
use crate::{port, wait_until};

/// How long the kernel may take to carry out SIGKILL.
const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// One question whether the service is ready.
const ONE_TRY: Duration = Duration::from_secs(2);

/// What a service is started with. Both services take the same flags.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// The service's name: in progress, errors and the name of its log file.
    pub name: String,
    /// The executable.
    pub binary: PathBuf,
    /// The port to listen on; `None` picks a free one.
    pub port: Option<u16>,
    /// The service's own database, as the service's own role.
    pub database_url: String,
    /// `host:port` of the broker.
    pub kafka_bootstrap_servers: String,
    /// Put before the names of all topics, so that several stacks can share a broker.
    pub topic_prefix: String,
    /// The number of partitions of the topics that the service makes.
    pub partitions: u32,
    /// The name of this instance: a static member of its consumer group.
    pub instance_id: String,
    /// Further flags.
    pub extra_args: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
    /// Where the log goes. `None`: into the working directory, which is removed when the service is dropped.
    pub log_directory: Option<PathBuf>,
}

impl ServiceSettings {
    /// The settings of one more instance, on a port of its own.
    pub(crate) fn instance(&self, number: u32) -> Self {
        let name = format!("{}-{number}", self.name);
        Self { instance_id: name.clone(), name, port: None, ..self.clone() }
    }

    fn args(&self, port: u16) -> Vec<String> {
        let flags = [
            format!("--listen=127.0.0.1:{port}"),
            format!("--kafka-bootstrap-servers={}", self.kafka_bootstrap_servers),
            format!("--topic-prefix={}", self.topic_prefix),
            "--create-topics".to_owned(),
            format!("--partitions={}", self.partitions),
            format!("--instance-id={}", self.instance_id),
        ];
        flags.into_iter().chain(self.extra_args.iter().cloned()).collect()
    }
}

/// A service that was started, whether it runs or not. Dropping it kills it.
pub struct ServiceProcess {
    settings: ServiceSettings,
    port: u16,
    process: Guarded,
}

impl ServiceProcess {
    /// Starts the service; [`ServiceProcess::wait_ready`] says when it can be used.
    pub fn start(settings: ServiceSettings) -> Result<Self> {
        if let Some(port) = settings.port {
            port::require_free(port, &settings.name)?;
        }
        let port = settings.port.map_or_else(port::free_port, Ok)?;
        let process = Guarded::new(&settings.name, Signal::KILL, settings.log_directory.as_deref())?;
        let mut service = Self { settings, port, process };
        service.launch()?;
        Ok(service)
    }

    /// Waits until the service says that it is ready. Fails at once, with the end of its log, if it has ended; a free
    /// port that somebody else took meanwhile is replaced by another.
    pub async fn wait_ready(&mut self, deadline: Duration) -> Result<()> {
        let http = reqwest::Client::builder().timeout(ONE_TRY).build()?;
        let ready = wait_until(deadline, async || {
            if !self.process.is_running()? {
                self.launch_elsewhere()?;
            }
            // No answer is an answer here: it does not listen yet.
            let answer = http.get(format!("{}/health/ready", self.url())).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        });
        let ready = ready.await?;
        let name = &self.settings.name;
        ready.ok_or_else(|| self.process.failure(&format!("{name} was not ready within {deadline:?}")))
    }

    /// Kills the service with SIGKILL, and answers when it has gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.process.end(Signal::KILL, KILLED_WITHIN).await.map(drop)
    }

    /// Asks the service to stop (SIGTERM) and waits until it has; says how it ended, `None` if it did not run. After
    /// `deadline` it is killed, and that is an error.
    pub async fn terminate(&mut self, deadline: Duration) -> Result<Option<ExitStatus>> {
        self.process.end(Signal::TERM, deadline).await
    }

    /// Makes the service stand still with its connections open (SIGSTOP), as a machine does that is suspended.
    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Lets a paused service go on (SIGCONT).
    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Starts the service again with the same arguments and on the same port; a running one is killed before.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.launch()
    }

    /// The same, with other further environment variables.
    pub async fn restart_with(&mut self, environment: Vec<(String, String)>) -> Result<()> {
        self.settings.environment = environment;
        self.restart().await
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> Result<bool> {
        self.process.is_running()
    }

    /// Its process id, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// The service's own database, as the service's own role.
    pub fn database_url(&self) -> &str {
        &self.settings.database_url
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file with everything the service has written.
    pub fn log_path(&self) -> &Path {
        self.process.log()
    }

    fn launch(&mut self) -> Result<()> {
        let args = self.settings.args(self.port);
        // The URL holds a password, and a command line can be read by everybody on the machine.
        let database = ("DATABASE_URL".to_owned(), self.settings.database_url.clone());
        // As in its image.
        let memory = ("MALLOC_ARENA_MAX".to_owned(), "1".to_owned());
        let environment = self.settings.environment.iter().cloned().chain([database, memory]).collect();
        self.process.start(&Invocation { program: self.settings.binary.clone(), args, environment })
    }

    /// A free port may be taken by somebody else before the service listens there: only then there is a second try.
    fn launch_elsewhere(&mut self) -> Result<()> {
        if self.settings.port.is_some() || !self.process.said()?.contains(port::TAKEN) {
            return Err(self.process.failure(&format!("{} ended while it was starting", self.settings.name)));
        }
        self.port = port::free_port()?;
        self.launch()
    }
}
