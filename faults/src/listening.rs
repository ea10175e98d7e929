//! What a service says from a moment on: in its log, which it only ever adds to.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use devstack::ServiceProcess;

/// An ear at one instance.
pub struct Listening {
    log: PathBuf,
    from: usize,
}

impl Listening {
    /// Hears what it says from now on, also when it is started again.
    pub fn to(instance: &ServiceProcess) -> Result<Self> {
        let mut listening = Self { log: instance.log_path().to_owned(), from: 0 };
        listening.from = listening.said()?.len();
        Ok(listening)
    }

    /// In how many lines it has said this.
    pub fn heard(&self, text: &str) -> Result<u64> {
        Ok(self.said()?.lines().filter(|line| line.contains(text)).count() as u64)
    }

    fn said(&self) -> Result<String> {
        let log = fs::read(&self.log).with_context(|| format!("{} cannot be read", self.log.display()))?;
        Ok(String::from_utf8_lossy(&log[self.from.min(log.len())..]).into_owned())
    }
}
