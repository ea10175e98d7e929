//! `docs/sagactl.md` has the help of every command, word for word.

use std::fmt::Write;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Error};

use super::Args;

const BEGINS: &str = "<!-- help: begins -->";
const ENDS: &str = "<!-- help: ends -->";
/// As in `cargo test`: UPDATE_DOCS=1 writes it.
const RENEW: &str = "UPDATE_DOCS";

/// Each command's help, as on a terminal of a usual width and with nothing in the environment.
fn help() -> String {
    let mut text = String::new();
    for (path, command) in commands() {
        let shown = without_environment(command).term_width(120).render_long_help().to_string();
        let trimmed: Vec<&str> = shown.lines().map(str::trim_end).collect();
        let depth = "#".repeat(path.split(' ').count() + 2);
        writeln!(text, "\n{depth} {path}\n\n```text\n{}\n```", trimmed.join("\n").trim_end()).expect("a text grows");
    }
    text
}

/// All commands with what has to be typed for them, each before those that are nested in it.
fn commands() -> Vec<(String, Command)> {
    let mut sagactl = Args::command().term_width(120);
    sagactl.build();
    below(&sagactl, "")
}

fn below(command: &Command, path: &str) -> Vec<(String, Command)> {
    let nested = command.get_subcommands().filter(|nested| nested.get_name() != "help");
    let with_nested = nested.flat_map(|nested| {
        let path = format!("{path} {}", nested.get_name()).trim_start().to_owned();
        let nested_deeper = below(nested, &path);
        [(path, nested.clone())].into_iter().chain(nested_deeper)
    });
    with_nested.collect()
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
fn every_command_says_what_it_is_for_how_it_ends_and_how_it_is_typed() {
    let commands = commands();
    assert!(commands.iter().any(|(path, _)| path == "parked give-up"), "nested commands are commands");
    for (path, command) in commands {
        assert!(command.get_about().is_some(), "{path}");
        assert!(command.get_arguments().all(|argument| argument.get_help().is_some()), "{path}");
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Exit status: 0 "), "{path} says nothing of its exit statuses: {after}");
        let (_, examples) = after.split_once("Example").unwrap_or_else(|| panic!("{path} has no example: {after}"));
        // A demo is typed with an alias of its own.
        let typed = [format!("sagactl {path} "), format!("sagactl {path}\n"), format!("cargo {path} -- ")];
        let is_typed = |typed: &String| format!("{examples}\n").contains(typed);
        assert!(typed.iter().any(is_typed), "{path} is typed otherwise: {examples}");
    }
}

#[test]
fn every_example_is_understood() {
    let all = [("sagactl".to_owned(), Args::command())].into_iter().chain(commands());
    for (path, command) in all {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines().filter_map(|line| Some(line.split_once("sagactl ")?.1)) {
            let typed = [vec!["sagactl".to_owned()], words(line)].concat();
            let refused =
                Args::command().try_get_matches_from(typed).err().filter(|error| !is_left_to_the_environment(error));
            assert!(refused.is_none(), "{path}: {line}: {refused:?}");
        }
    }
}

/// The words of a line as a shell takes them, with an id wherever one has to be typed. What stands further right says what it is for.
fn words(line: &str) -> Vec<String> {
    let line = line.split("  ").next().unwrap_or_default();
    let quoted = line.split('\'').enumerate().flat_map(|(part, text)| match part % 2 {
        0 => text.split_whitespace().map(|word| word.trim_end_matches(')').to_owned()).collect(),
        _ => vec![text.to_owned()],
    });
    let id = "01a20a66-f935-758b-8626-ecdabe1ffc02";
    quoted.take_while(|word| word != ">").map(|word| word.replace("ORDER", id).replace("ID", id)).collect()
}

/// Whether nothing is missing but where the databases are, which an example may leave out.
fn is_left_to_the_environment(error: &Error) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) if error.kind() == ErrorKind::MissingRequiredArgument => {
            missing.iter().all(|argument| argument.contains("-database"))
        }
        _ => false,
    }
}
