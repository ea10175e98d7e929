//! Short-lived programs: run to the end, and their output is kept for the error.
//!
//! Unlike the servers they stay in our own process group, so that Ctrl-C in a terminal ends them at once.

use std::io::ErrorKind;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use tokio::process::Command;

/// How much of a program's output goes into an error: the reason stands at the end.
const TAIL_LINES: usize = 25;

/// Runs `command` to the end. When the program does not exist, the error is `missing`: one sentence that says what to
/// install.
pub(crate) async fn run(command: &mut Command, missing: &str) -> Result<Output> {
    let described = format!("{:?}", command.as_std());
    let output = match command.stdin(Stdio::null()).kill_on_drop(true).output().await {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(anyhow!("{missing}")),
        Err(error) => return Err(error).with_context(|| format!("{described} could not be run.")),
    };
    if !output.status.success() {
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        bail!("{described} failed ({}):\n{}", output.status, tail(&String::from_utf8_lossy(&said)));
    }
    Ok(output)
}

/// The last lines of a text.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
