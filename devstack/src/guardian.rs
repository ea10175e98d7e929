//! Nothing is left behind, also when we are killed.
//!
//! Every server and service has a working directory and a guardian: a small shell that waits at a pipe whose other end
//! we hold. The kernel closes that pipe however we end, SIGKILL included; then the guardian ends the process whose id
//! stands in the directory's `pid` file, and removes the directory. An orderly end goes the same way: the pipe is
//! closed by `drop`. So there is one place that cleans, and it runs every time.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tracing::warn;

/// The guardian's life. `$1` is the directory, `$2` the number of the signal that ends the process. It gets 5 s to obey; removing is
/// tried again because the process's own children may still be writing while they go.
const LIFE: &str = r#"
trap '' INT TERM HUP
while read -r _; do :; done
if read -r pid < "$1/pid"; then
    kill "-$2" "$pid"
    turns=0
    while kill -0 "$pid" && [ "$turns" -lt 50 ]; do sleep 0.1; turns=$((turns + 1)); done
    kill -KILL "$pid"
fi
for _ in 1 2 3 4 5; do rm -rf "$1" && break; sleep 0.2; done
"#;

/// Watches over one working directory and the process whose id is in it.
pub(crate) struct Guardian {
    shell: Child,
    directory: PathBuf,
}

impl Guardian {
    /// Makes a fresh directory below the system's temporary directory, and the shell that guards it.
    pub fn new(name: &str, last_signal: Signal) -> Result<Self> {
        let run = uuid::Uuid::new_v4().simple().to_string();
        let directory = std::env::temp_dir().join(format!("order-delivery-saga-{name}-{}", &run[..12]));
        DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .with_context(|| format!("{} could not be made.", directory.display()))?;
        // A process group of its own: Ctrl-C in the terminal reaches only us. No output: an open pipe of ours in its
        // hands would keep whoever reads our output waiting. And `/`: it must not stand in what it removes.
        let shell = Command::new("sh")
            .args(["-c", LIFE, "guardian"])
            .arg(&directory)
            .arg(last_signal.as_raw().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()
            .context("A shell (sh) could not be started.")?;
        Ok(Self { shell, directory })
    }

    /// The directory that lives as long as the guardian.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the process to end at last has written its id.
    pub fn pid_file(&self) -> PathBuf {
        self.directory.join("pid")
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            warn!("the guardian of {} could not be waited for: {error}", self.directory.display());
        }
    }
}
