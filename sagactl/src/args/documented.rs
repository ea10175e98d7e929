//! `docs/sagactl.md` has the help of every command, word for word.

use std::fmt::Write;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Args;

const BEGINS: &str = "<!-- help: begins -->";
const ENDS: &str = "<!-- help: ends -->";
/// As in `cargo test`: UPDATE_DOCS=1 writes it.
const RENEW: &str = "UPDATE_DOCS";

/// Each command's help, as on a terminal of a usual width and with nothing in the environment.
fn help() -> String {
    let mut text = String::new();
    let mut sagactl = Args::command().term_width(120);
    sagactl.build();
    for command in sagactl.get_subcommands().filter(|command| command.get_name() != "help") {
        let shown = without_environment(command.clone()).term_width(120).render_long_help().to_string();
        let trimmed: Vec<&str> = shown.lines().map(str::trim_end).collect();
        writeln!(text, "\n### {}\n\n```text\n{}\n```", command.get_name(), trimmed.join("\n").trim_end())
            .expect("a text grows");
    }
    text
}

fn without_environment(command: Command) -> Command {
    command.mut_args(|argument| argument.hide_env_values(true))
}

#[test]
fn the_document_has_the_help_of_every_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sagactl.md");
    let document = std::fs::read_to_string(&path).expect("docs/sagactl.md is there");
    let (before, rest) = document.split_once(BEGINS).expect("the help begins somewhere");
    let (_, after) = rest.split_once(ENDS).expect("the help ends somewhere");
    let renewed = format!("{before}{BEGINS}\n{}\n{ENDS}{after}", help());
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, &renewed).expect("docs/sagactl.md can be written");
    }
    let now = std::fs::read_to_string(&path).expect("docs/sagactl.md is there");
    assert!(now == renewed, "docs/sagactl.md is not current: {RENEW}=1 cargo test --package sagactl documented");
}

#[test]
fn every_command_says_what_it_is_for() {
    for command in Args::command().get_subcommands() {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name}");
        assert!(command.get_arguments().all(|argument| argument.get_help().is_some()), "{name}");
    }
}
