//! The rules of `ARCHITECTURE.md` that a compiler does not know. Each is a function over text, so that a made-up
//! snippet can show that it is able to fail.

mod causes;
mod containers;
mod dependencies;
mod sources;
mod tree;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of this repository.
#[derive(Debug, Clone)]
struct Source {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// A file that is only made up.
    fn made_up(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Its lines without what a `//` begins, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(n, line)| (n + 1, before_comment(line)))
    }

    /// Where in it something is, for a person to click on.
    fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// A `//` inside a string is not a comment: an address like `http://` is left alone.
fn before_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(found) = line[from..].find("//") {
        let at = from + found;
        if !line[..at].ends_with(':') {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Source {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    Source { path: path.to_owned(), text }
}

/// What is not written by people.
const NOT_OURS: [&str; 5] = ["target", ".git", ".sqlx", "Cargo.lock", "node_modules"];

/// The paths of all files below a folder, or of the file itself.
fn paths(below: &str) -> Vec<String> {
    let folder = root().join(below);
    if folder.is_file() {
        return vec![below.to_owned()];
    }
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name in Unicode"))
        .filter(|name| !NOT_OURS.contains(&name.as_str()))
        .collect();
    names.sort();
    let join = |name: String| if below.is_empty() { name } else { format!("{below}/{name}") };
    names.into_iter().flat_map(|name| paths(&join(name))).collect()
}

/// All Rust files below a folder.
fn rust(below: &str) -> Vec<Source> {
    paths(below).iter().filter(|path| path.ends_with(".rs")).map(|path| read(path)).collect()
}

/// The crates that are programs or parts of them, as opposed to tests.
const CRATES: [&str; 8] =
    ["shared-events", "chassis", "order-service", "delivery-service", "devstack", "sagactl", "bench", "faults"];

/// Where the pure core and the machinery of the services live: what must know no clock but one.
const SERVICES: [&str; 4] = ["shared-events", "chassis", "order-service", "delivery-service"];

/// All sources of these crates that are not tests.
fn sources_of(crates: &[&str]) -> Vec<Source> {
    let sources = crates.iter().flat_map(|name| rust(&format!("{name}/src")));
    sources.filter(|source| !source.path.ends_with("/tests.rs") && !source.path.contains("/tests/")).collect()
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
