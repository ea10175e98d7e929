//! The files of this repository, and what they say about each other.

use std::{collections::BTreeSet, fs};

use super::{Source, assert_none, paths, read, root};

/// What somebody who opens this repository looks for.
const NAMED: [&str; 26] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE",
    "README.md",
    ".cargo/config.toml",
    ".ci/run",
    ".dockerignore",
    "chassis/migrations",
    "chassis/src/clock.rs",
    "clippy.toml",
    "delivery-service/migrations",
    "deny.toml",
    "deploy/docker",
    "docker-compose.yml",
    "docs/decisions",
    "docs/saga.md",
    "order-service/migrations",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "shared-events/contract",
    "tests/harness/lib.rs",
    "tests/saga/main.rs",
];

/// The top of both services, word for word.
const SERVICE: [&str; 10] = [
    "deadlines.rs",
    "domain",
    "http",
    "lib.rs",
    "main.rs",
    "reactions.rs",
    "requests.rs",
    "settings.rs",
    "store",
    "store.rs",
];

fn missing(named: &[&str]) -> Vec<String> {
    named.iter().filter(|path| !root().join(path).exists()).map(|path| format!("{path} is missing")).collect()
}

/// The names at the top of a crate's sources.
fn top(name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(name).join("src")).expect("the sources of a service");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("Unicode")).collect()
}

fn differences(one: &BTreeSet<String>, expected: &[&str]) -> Vec<String> {
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    one.symmetric_difference(&expected).cloned().collect()
}

/// Crates with migrations, of these, that the compiler is not told to look at when one is added.
fn blind_to_migrations(crates: &[String], build: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let seen = |name: &&String| build(name).is_some_and(|text| text.contains("cargo:rerun-if-changed=migrations"));
    crates
        .iter()
        .filter(|name| !seen(name))
        .map(|name| format!("{name}/build.rs does not look at migrations"))
        .collect()
}

/// The promise that nobody can keep over a network, in any spelling. Taken apart, so that this file does not make it.
fn promises_too_much(source: &Source) -> Vec<String> {
    let text = source.text.to_lowercase().replace(['-', '_', '\n', '*', '`'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let promise = words.windows(2).any(|pair| pair[0].ends_with("exactly") && pair[1].starts_with("once"));
    if promise { vec![format!("{} promises too much", source.path)] } else { vec![] }
}

/// Links of a Markdown file that lead to no file.
fn dead_links(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let targets = source.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    let local =
        targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"));
    let dead = local.filter(|target| !exists(&[folder, target].join("/")));
    dead.map(|target| format!("{}: a dead link to {target}", source.path)).collect()
}

/// Paths in backquotes that lead to no file.
fn dead_paths(source: &Source, folders: &[&str]) -> Vec<String> {
    let quoted = source.text.split('`').skip(1).step_by(2);
    let ours = quoted.filter(|path| folders.iter().any(|folder| path.starts_with(&format!("{folder}/"))));
    let exists = |path: &str| ["", ".rs"].iter().any(|end| root().join(format!("{path}{end}")).exists());
    ours.filter(|path| !exists(path)).map(|path| format!("{}: there is no {path}", source.path)).collect()
}

/// All files that hold text.
fn texts() -> Vec<Source> {
    let texts = paths("").into_iter().filter_map(|path| {
        let text = String::from_utf8(fs::read(root().join(&path)).expect("a file")).ok()?;
        Some(Source { path, text })
    });
    texts.collect()
}

#[test]
fn what_people_look_for_is_there() {
    assert_none(&missing(&NAMED));
}

#[test]
fn both_services_have_the_same_tree() {
    assert_none(&differences(&top("order-service"), &SERVICE));
    assert_none(&differences(&top("delivery-service"), &SERVICE));
}

#[test]
fn a_new_migration_is_compiled_in() {
    let migrations = paths("").into_iter().filter(|path| path.ends_with(".sql") && path.contains("/migrations/"));
    let crates: BTreeSet<String> = migrations.filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    assert_eq!(crates.len(), 3, "{crates:?}");
    let crates: Vec<String> = crates.into_iter().collect();
    assert_none(&blind_to_migrations(&crates, |name| fs::read_to_string(root().join(name).join("build.rs")).ok()));
}

/// Migrations of one folder that have one number: only one of them can be applied.
fn numbered_alike(migrations: &[String]) -> Vec<String> {
    let number = |path: &str| path.split_once('_').map(|(number, _)| number.to_owned());
    let alike = |path: &&String| migrations.iter().filter(|other| number(other) == number(path)).count() > 1;
    migrations.iter().filter(alike).cloned().collect()
}

#[test]
fn no_two_migrations_have_one_number() {
    let migrations = paths("").into_iter().filter(|path| path.ends_with(".sql") && path.contains("/migrations/"));
    assert_none(&numbered_alike(&migrations.collect::<Vec<_>>()));
    let alike =
        ["a/migrations/0001_x.sql", "a/migrations/0001_y.sql", "a/migrations/0002_z.sql", "b/migrations/0001_x.sql"];
    assert_eq!(numbered_alike(&alike.map(str::to_owned)).len(), 2);
}

#[test]
fn nobody_promises_what_no_network_can_keep() {
    let texts = texts();
    assert!(texts.iter().any(|source| source.path == "README.md") && texts.len() > 50, "where are the files?");
    assert_none(&texts.iter().flat_map(promises_too_much).collect::<Vec<_>>());
}

#[test]
fn every_link_leads_somewhere() {
    let documents = texts().into_iter().filter(|source| source.path.ends_with(".md"));
    let dead =
        documents.flat_map(|source| dead_links(&source, |path| root().join(path.trim_start_matches('/')).exists()));
    assert_none(&dead.collect::<Vec<_>>());
}

#[test]
fn what_the_saga_names_exists() {
    assert_none(&dead_paths(&read("docs/saga.md"), &["tests", "shared-events", "chassis", "sagactl", "docs"]));
}

#[test]
fn the_rules_of_the_tree_can_fail() {
    assert_eq!(missing(&["README.md", "NOTHING.md"]), ["NOTHING.md is missing"]);
    let services: BTreeSet<String> = ["lib.rs", "helpers.rs"].map(str::to_owned).into();
    assert_eq!(differences(&services, &["lib.rs", "main.rs"]), ["helpers.rs", "main.rs"]);
    let crates = ["a".to_owned(), "b".to_owned()];
    assert_eq!(blind_to_migrations(&crates, |name| (name == "a").then(|| "fn main() {}".to_owned())).len(), 2);
    assert!(blind_to_migrations(&crates, |_| Some("cargo:rerun-if-changed=migrations".to_owned())).is_empty());
    for [first, second] in [["Exactly", " Once"], ["exactly", "-once"], ["exactly", "\nonce"], ["*exactly*", " once"]] {
        let spelled = [first, second].concat();
        let source = Source::made_up("README.md", &format!("delivered {spelled}, honestly"));
        assert_eq!(promises_too_much(&source).len(), 1, "{spelled}");
    }
    assert!(promises_too_much(&Source::made_up("README.md", "exactly one of them, once")).is_empty());
    let linked = Source::made_up("docs/saga.md", "[a](../README.md) [b](gone.md#x) [c](https://example.org)");
    assert_eq!(dead_links(&linked, |path| path.ends_with("README.md")), ["docs/saga.md: a dead link to gone.md"]);
    let quoted = Source::made_up("docs/saga.md", "`tests/rules/main.rs` and `tests/rules/nothing.rs`");
    assert_eq!(dead_paths(&quoted, &["tests"]), ["docs/saga.md: there is no tests/rules/nothing.rs"]);
}
