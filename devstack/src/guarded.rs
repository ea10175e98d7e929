//! A long-running child: its own process group, its output in a log file, and a guardian.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tracing::warn;

use crate::guardian::Guardian;
use crate::{cache, command, wait_until};

/// How long a child may take to go after its last signal when it is dropped, before SIGKILL.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invocation {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub environment: Vec<(String, String)>,
}

/// One server or service at a time: it can end and be started again in the same directory, with the same log.
pub(crate) struct Guarded {
    name: String,
    child: Option<Child>,
    last_signal: Signal,
    log: PathBuf,
    /// Where in the log the present start begins: what an earlier start wrote says nothing about this one.
    log_start: u64,
    // The last field, so dropped last: the child has gone by then, and the guardian only removes the directory.
    guardian: Guardian,
}

impl Guarded {
    /// Makes the directory and the guardian; nothing runs yet. The log is a file in `log_directory`, or else in the
    /// working directory, with which it goes.
    pub fn new(name: &str, last_signal: Signal, log_directory: Option<&Path>) -> Result<Self> {
        let guardian = Guardian::new(name, last_signal)?;
        let log = log_directory.unwrap_or(guardian.directory()).join(format!("{name}.log"));
        Ok(Self { name: name.to_owned(), child: None, last_signal, log, log_start: 0, guardian })
    }

    pub fn directory(&self) -> &Path {
        self.guardian.directory()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Starts the child. It writes its own id to the `pid` file before it becomes the program, so there is no moment
    /// at which it runs and the guardian does not know it.
    pub fn start(&mut self, invocation: &Invocation) -> Result<()> {
        if self.is_running()? {
            bail!("{} is running already.", self.name);
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("The log {} could not be opened.", self.log.display()))?;
        self.log_start = log.metadata()?.len();
        let child = Command::new("sh")
            .args(["-c", r#"echo $$ > "$0" && exec "$@""#])
            .arg(self.guardian.pid_file())
            .arg(&invocation.program)
            .args(&invocation.args)
            .envs(invocation.environment.iter().cloned())
            .current_dir(self.directory())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} could not be started.", invocation.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Whether the child is there (it may be paused).
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.is_some() && self.reap()?.is_none())
    }

    /// The child's process id, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Sends a signal to the child.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().with_context(|| format!("{} is not running.", self.name))?;
        kill_process(Pid::from_child(child), signal)
            .with_context(|| format!("{} could not be sent {signal:?}.", self.name))
    }

    /// Sends a signal and waits until the child has gone; says how it ended, `None` if it was gone before. After
    /// `patience` it is killed, and that is an error.
    pub async fn end(&mut self, signal: Signal, patience: Duration) -> Result<Option<ExitStatus>> {
        if !self.is_running()? {
            return Ok(None);
        }
        self.signal(signal)?;
        if let Some(status) = wait_until(patience, async || self.reap()).await? {
            return Ok(Some(status));
        }
        let late = self.failure(&format!("{} did not stop within {patience:?} and was killed", self.name));
        self.signal(Signal::KILL)?;
        wait_until(LAST_WAIT, async || self.reap()).await?;
        Err(late)
    }

    /// What the child has written since it was started.
    pub fn said(&self) -> Result<String> {
        let written = fs::read(&self.log).with_context(|| format!("{} could not be read.", self.log.display()))?;
        let start = usize::try_from(self.log_start)?.min(written.len());
        Ok(String::from_utf8_lossy(&written[start..]).into_owned())
    }

    /// An error that shows the end of the log and names a log file that outlives us.
    pub fn failure(&self, sentence: &str) -> Error {
        match self.said().and_then(|said| Ok((said, self.kept_log()?))) {
            Ok((said, log)) => anyhow!("{sentence}. The log is {}; it ends:\n{}", log.display(), command::tail(&said)),
            Err(error) => error.context(format!("{sentence}, and its log is not to be had")),
        }
    }

    /// A log in the working directory is about to be removed with it, so a copy goes to the cache. One copy for each
    /// name: the last failure is the one that is looked for, and nothing piles up.
    fn kept_log(&self) -> Result<PathBuf> {
        if !self.log.starts_with(self.directory()) {
            return Ok(self.log.clone());
        }
        let logs = cache::directory()?.join("logs");
        fs::create_dir_all(&logs)?;
        let kept = logs.join(format!("{}.log", self.name));
        fs::copy(&self.log, &kept)?;
        Ok(kept)
    }

    /// How the child ended, once it has. Its id may then belong to somebody else, so the guardian must forget it.
    fn reap(&mut self) -> Result<Option<ExitStatus>> {
        let Some(child) = self.child.as_mut() else { return Ok(None) };
        let ended = child.try_wait().with_context(|| format!("{} could not be waited for.", self.name))?;
        if ended.is_some() {
            self.child = None;
            // Emptied, not removed: a child that ended before it wrote its id has left no file.
            File::create(self.guardian.pid_file()).context("The pid file could not be emptied.")?;
        }
        Ok(ended)
    }

    /// Ends the child without awaiting anything: the last resort, in `drop`.
    fn end_blocking(&mut self) -> Result<()> {
        if !self.is_running()? {
            return Ok(());
        }
        self.signal(self.last_signal)?;
        let started = Instant::now();
        while started.elapsed() < LAST_WAIT {
            if self.reap()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Err(error) = self.end_blocking() {
            warn!("{} was left to its guardian: {error:#}", self.name);
        }
    }
}
