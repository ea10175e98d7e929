//! What the sources may not say.

use super::{CRATES, SERVICES, Source, assert_none, rust, sources_of};

/// Whether a word stands in the line, and not as a part of a longer one.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    let begins = word.starts_with(|char: char| char.is_alphanumeric());
    let ends = word.ends_with(|char: char| char.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        let before = begins && is_part(line[..at].chars().next_back());
        let after = ends && is_part(line[at + word.len()..].chars().next());
        !before && !after
    })
}

fn with_words(source: &Source, words: &[&str]) -> Vec<String> {
    let found = source.code().filter(|(_, line)| words.iter().any(|word| has_word(line, word)));
    found.map(|(n, line)| source.at(n, line.trim())).collect()
}

/// The moments and ids that only `chassis/src/clock.rs` may ask for.
const CLOCKS: [&str; 7] =
    ["Utc::now", "Local::now", "SystemTime::now", "Uuid::new_v4", "Uuid::new_v7", "Uuid::now_v7", "Uuid::now_v6"];

/// What a pure function has no use for.
const IMPURE: [&str; 22] = [
    "async",
    ".await",
    "Utc::now",
    "Local",
    "Instant",
    "SystemTime",
    "Uuid::new",
    "Uuid::now",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::time",
    "std::thread",
    "std::process",
    "static mut",
    "thread_local!",
    "println!",
    "RefCell",
    "Mutex",
    "RwLock",
    "unsafe",
];

/// What the domain may import: the contract, the language, types of time, and its own modules.
const DOMAIN_IMPORTS: [&str; 6] = ["std", "core", "shared_events", "serde", "chrono", "super"];

/// Crates whose names may stand in the domain's code as a path, because `use` is not the only way to reach one.
fn foreign_paths(source: &Source) -> Vec<String> {
    const FOREIGN: [&str; 14] = [
        "sqlx::",
        "tokio::",
        "axum::",
        "http::",
        "hyper::",
        "rdkafka::",
        "chassis::",
        "tracing::",
        "metrics::",
        "anyhow::",
        "rand::",
        "reqwest::",
        "uuid::",
        "serde_json::",
    ];
    with_words(source, &FOREIGN)
}

fn foreign_imports(source: &Source) -> Vec<String> {
    let imports = source.code().filter_map(|(n, line)| {
        let line = line.trim_start();
        let import = line.strip_prefix("pub use ").or_else(|| line.strip_prefix("pub(super) use "));
        import.or_else(|| line.strip_prefix("use ")).map(|import| (n, import))
    });
    let own = own_modules(source);
    let is_foreign = |import: &str| {
        let root = import.split(['{', ';', ':', ' ']).next().unwrap_or_default();
        // Variants of the domain's own enums are imported by the enum's name.
        let is_type = root.starts_with(char::is_uppercase);
        let is_own = import.starts_with("crate::domain") || own.contains(&root.to_owned());
        !is_type && !is_own && !DOMAIN_IMPORTS.contains(&root)
    };
    imports.filter(|(_, import)| is_foreign(import)).map(|(n, import)| source.at(n, import)).collect()
}

/// The modules and macros that the file itself declares.
fn own_modules(source: &Source) -> Vec<String> {
    let declared = source.code().filter_map(|(_, line)| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ").or_else(|| line.strip_prefix("macro_rules! "))
    });
    declared.map(|name| name.trim_end_matches([';', ' ', '{']).to_owned()).collect()
}

fn sql_outside_the_store(source: &Source) -> Vec<String> {
    let is_store = source.path.ends_with("/src/store.rs") || source.path.contains("/src/store/");
    let sql = ["query!", "query_as!", "query_scalar!", "sqlx::query", "QueryBuilder", "raw_sql"];
    if is_store { vec![] } else { with_words(source, &sql) }
}

/// What a reader should never meet. Taken apart, so that this file does not contain it.
fn left_behind(source: &Source) -> Vec<String> {
    let bare_ok = format!("{}();", ".ok");
    let words =
        [["let _", " ="].concat(), ["todo", "!("].concat(), ["unimplemented", "!("].concat(), ["dbg", "!("].concat()];
    let words: Vec<&str> = words.iter().map(String::as_str).chain([bare_ok.as_str()]).collect();
    with_words(source, &words)
}

/// A file fits a sitting. Unit tests at its end are read at another one.
fn too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
    if lines > 300 { vec![format!("{} has {lines} lines", source.path)] } else { vec![] }
}

/// A function fits a screen: forty lines are the aim, fifty the limit. Formatted code ends a function with a brace that stands as far in as its beginning.
fn long_functions(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = vec![];
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let length = lines[start..].iter().position(|line| *line == end).map_or(1, |at| at + 1);
        if length > 50 && line.trim_end().ends_with(['{', '(']) {
            found.push(source.at(start + 1, &format!("a function of {length} lines")));
        }
    }
    found
}

fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.find(|word| !["pub", "pub(crate)", "pub(super)", "async", "const"].contains(word));
    first == Some("fn")
}

fn check(sources: &[Source], rule: impl Fn(&Source) -> Vec<String>) {
    assert!(!sources.is_empty(), "a rule over nothing holds always");
    assert_none(&sources.iter().flat_map(rule).collect::<Vec<_>>());
}

fn domains() -> Vec<Source> {
    let sources = sources_of(&["order-service", "delivery-service"]);
    sources.into_iter().filter(|source| source.path.contains("/src/domain")).collect()
}

fn tests_and_sources() -> Vec<Source> {
    let tests = ["tests", "shared-events/tests"].into_iter().flat_map(rust);
    CRATES.iter().flat_map(|name| rust(&format!("{name}/src"))).chain(tests).collect()
}

#[test]
fn the_domain_imports_nothing_but_the_contract() {
    check(&domains(), foreign_imports);
    check(&domains(), foreign_paths);
}

#[test]
fn the_domain_does_no_io_and_knows_no_clock() {
    check(&domains(), |source| with_words(source, &IMPURE));
    check(&rust("shared-events/src"), |source| with_words(source, &IMPURE));
}

#[test]
fn only_the_clock_asks_for_the_time_or_makes_an_id() {
    let sources: Vec<Source> =
        sources_of(&SERVICES).into_iter().filter(|source| source.path != "chassis/src/clock.rs").collect();
    check(&sources, |source| with_words(source, &CLOCKS));
}

/// How long to wait for a broker or a database is the chassis' business; the services have no patience of their own.
#[test]
fn no_service_measures_time() {
    check(&sources_of(&["shared-events", "order-service", "delivery-service"]), |source| {
        with_words(source, &["Instant"])
    });
}

#[test]
fn a_services_sql_is_in_its_store() {
    check(&sources_of(&["order-service", "delivery-service"]), sql_outside_the_store);
}

#[test]
fn no_service_knows_the_other_by_name() {
    check(&rust("order-service/src"), |source| with_words(source, &["delivery_service"]));
    check(&rust("delivery-service/src"), |source| with_words(source, &["order_service"]));
    check(&rust("chassis/src"), |source| with_words(source, &["order_service", "delivery_service"]));
}

#[test]
fn nothing_is_dropped_and_nothing_is_left_behind() {
    check(&tests_and_sources(), left_behind);
}

#[test]
fn a_file_fits_a_sitting_and_a_function_a_screen() {
    check(&sources_of(&CRATES), |source| [too_long(source), long_functions(source)].concat());
}

#[test]
fn the_rules_of_sources_can_fail() {
    let domain = |text: &str| Source::made_up("order-service/src/domain/order.rs", text);
    assert_eq!(foreign_imports(&domain("use std::fmt;\nuse sqlx::PgPool;\n")).len(), 1);
    assert_eq!(foreign_imports(&domain("use crate::store::Row;\n")).len(), 1);
    assert!(
        foreign_imports(&domain("mod order;\npub use order::Order;\nuse Status::Completed;\nuse super::Order;\n"))
            .is_empty()
    );
    assert_eq!(foreign_paths(&domain("let id = uuid::Uuid::nil();\n")).len(), 1);
    assert_eq!(with_words(&domain("let now = chrono::Utc::now();\n// not Utc::now\n"), &IMPURE).len(), 1);
    assert_eq!(with_words(&domain("pub async fn x() {}\n"), &IMPURE).len(), 1);
    assert!(with_words(&domain("fn asynchronous() -> &'a str { \"\" }\n"), &IMPURE).is_empty());
    assert_eq!(with_words(&domain("let id = Uuid::now_v7();"), &CLOCKS).len(), 1);
    let reactions = |text: &str| Source::made_up("order-service/src/reactions.rs", text);
    assert_eq!(sql_outside_the_store(&reactions("sqlx::query!(\"select 1\")")).len(), 1);
    let store = Source::made_up("order-service/src/store.rs", "sqlx::query!(\"select 1\")");
    assert!(sql_outside_the_store(&store).is_empty());
}

#[test]
fn the_rules_of_style_can_fail() {
    let source = |text: &str| Source::made_up("chassis/src/lib.rs", text);
    assert_eq!(left_behind(&source(&["let _", " = send();"].concat())).len(), 1);
    assert_eq!(left_behind(&source(&["send().ok", "();"].concat())).len(), 1);
    assert_eq!(left_behind(&source(&["todo", "!()"].concat())).len(), 1);
    assert_eq!(too_long(&source(&"//\n".repeat(301))).len(), 1);
    assert!(too_long(&source(&("//\n".repeat(300) + "#[cfg(test)]\nmod tests {}\n"))).is_empty());
    let function =
        |lines: usize| format!("impl X {{\n    pub async fn long() {{\n{}    }}\n}}\n", "        x();\n".repeat(lines));
    assert_eq!(long_functions(&source(&function(49))), ["chassis/src/lib.rs:2: a function of 51 lines"]);
    assert!(long_functions(&source(&function(48))).is_empty());
}
