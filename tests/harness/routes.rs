//! The routes that a crate declares, read from its sources, so that no list has to be kept beside them.

use std::{collections::BTreeSet, fs, path::Path};

/// A route as it was declared, with its methods in capitals.
pub type Declared = (String, BTreeSet<String>);

/// All routes of a crate: of its own sources below this folder (`order-service/src/http`), not of its unit tests.
///
/// # Panics
/// When there is no such folder.
#[must_use]
pub fn declared(folder: &str) -> Vec<Declared> {
    declared_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder))
}

fn declared_in(folder: &Path) -> Vec<Declared> {
    let entries = fs::read_dir(folder).expect("the sources of a crate").map(|file| file.expect("a file").path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(declared_in(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.extend(in_source(&fs::read_to_string(path).expect("a source")));
        }
    }
    found
}

/// `.route("/orders", post(orders::place).get(orders::list))`, over as many lines as it takes. Unit tests declare routes of their own.
#[must_use]
pub fn in_source(source: &str) -> Vec<Declared> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split(".route(").skip(1).filter_map(route).collect()
}

fn route(declaration: &str) -> Option<Declared> {
    let mut quoted = declaration.splitn(3, '"');
    let (pattern, handlers) = (quoted.nth(1)?, quoted.next()?);
    let mut depth = 1;
    let end = handlers.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    })?;
    let words = handlers[..end].split(|c: char| !c.is_ascii_alphanumeric() && c != '(' && c != '_');
    let methods = ["get(", "post(", "put(", "patch(", "delete("];
    let taken = words.filter_map(|word| methods.iter().find(|method| word.starts_with(**method)));
    Some((pattern.to_owned(), taken.map(|method| method.trim_end_matches('(').to_uppercase()).collect()))
}
