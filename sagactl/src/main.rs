//! The operator's command: bring the pair up, watch its story, check its invariants.

#![allow(clippy::disallowed_methods, reason = "a name for a run of the demo: nothing that a service decides by")]

mod args;
mod checking;
mod demo;
mod ending;
mod looking;
mod looking_ahead;
mod operating;
mod reconciling;
mod say;
mod shop;
mod stage;
mod tokens;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use crate::args::{Args, Command};
use crate::ending::Ending;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse_from(without_separator(std::env::args_os()));
    let (ended, failure) = match args.command {
        Command::Up(options) => (stage::up(&options).await, Ending::Failed),
        Command::Demo(options) => (demo::run(&options).await, Ending::Failed),
        Command::Seed(urls) => (demo::seed::run(&urls).await, Ending::Failed),
        Command::Token(options) => (tokens::token(&options), Ending::Failed),
        Command::DevKeys(options) => (tokens::dev_keys(&options), Ending::Failed),
        Command::Verify(options) => (checking::run(&options).await, Ending::CouldNotLook),
        Command::Journey(options) => (looking::journey(&options).await, Ending::CouldNotLook),
        Command::Stuck(options) => (looking::stuck(&options).await, Ending::CouldNotLook),
        Command::Reconcile(options) => (reconciling::run(&options).await, Ending::CouldNotLook),
        Command::Operate(options) => (operating::run(&options).await, Ending::CouldNotLook),
        Command::Preflight(options) => (looking_ahead::run(&options).await, Ending::CouldNotLook),
        Command::Completions { shell } => (completions(shell), Ending::Failed),
    };
    let ending = ended.unwrap_or_else(|error| {
        say::error(&error);
        failure
    });
    ending.into()
}

fn completions(shell: Shell) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sagactl", &mut script);
    say::Page::new().line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Ending::Well)
}

/// Cargo hands `cargo demo -- --once` on as `demo -- --once`. No command takes anything that a `--` could protect.
fn without_separator(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    args.filter(|arg| arg != "--")
}
