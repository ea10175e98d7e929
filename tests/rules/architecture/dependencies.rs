//! Dependencies run one way: `shared-events` ← `chassis` ← the services ← `devstack` ← `sagactl` ← `bench`, `tests` ← `faults`.

use super::{Source, assert_none, paths, read, rust};

/// How far up a crate of ours is. It may depend on what is further down; two on one level never on each other.
fn level(name: &str) -> Option<u8> {
    match name {
        "shared-events" => Some(0),
        "chassis" => Some(1),
        "order-service" | "delivery-service" => Some(2),
        "devstack" => Some(3),
        "sagactl" => Some(4),
        "bench" | "tests" => Some(5),
        "faults" => Some(6),
        _ => None,
    }
}

/// All that the contract may need: text, ids, time, money, schemas. No I/O.
const CONTRACT_NEEDS: [&str; 7] = ["chrono", "iso_currency", "schemars", "serde", "serde_json", "thiserror", "uuid"];

/// With one of these a service could call the other.
const HTTP_CLIENTS: [&str; 10] =
    ["reqwest", "ureq", "isahc", "surf", "attohttpc", "curl", "awc", "hyper-rustls", "hyper-tls", "tonic"];

/// The sections and the names of what they list, as `(section, name)`.
fn dependencies(manifest: &Source) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = vec![];
    for line in manifest.text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
            // [dependencies.name] is a section of its own.
            if let Some((section, name)) = section.split_once("dependencies.") {
                found.push((format!("{section}dependencies"), name.to_owned()));
            }
        } else if section.ends_with("dependencies") && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((section.clone(), name.trim_matches('"').to_owned()));
        }
    }
    found
}

fn needs(manifest: &Source) -> Vec<String> {
    let needed = dependencies(manifest).into_iter().filter(|(section, _)| !section.ends_with("dev-dependencies"));
    needed.map(|(_, name)| name).collect()
}

fn crate_name(manifest: &Source) -> &str {
    manifest.path.split('/').next().unwrap_or_default()
}

fn members() -> Vec<String> {
    let workspace = read("Cargo.toml");
    let (_, members) = workspace.text.split_once("members = [").expect("members");
    let (members, _) = members.split_once(']').expect("the end of the members");
    members.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

fn manifests() -> Vec<Source> {
    members().iter().map(|name| read(&format!("{name}/Cargo.toml"))).collect()
}

fn upward(manifest: &Source) -> Vec<String> {
    let name = crate_name(manifest);
    let Some(own) = level(name) else { return vec![format!("{name} has no place in the order of crates")] };
    let ours = dependencies(manifest).into_iter().filter_map(|(_, needed)| level(&needed).map(|level| (needed, level)));
    ours.filter(|(_, level)| *level >= own).map(|(needed, _)| format!("{name} depends on {needed}")).collect()
}

fn impure_contract(manifest: &Source) -> Vec<String> {
    let impure = needs(manifest).into_iter().filter(|name| !CONTRACT_NEEDS.contains(&name.as_str()));
    impure.map(|name| format!("{} depends on {name}", crate_name(manifest))).collect()
}

fn http_clients(manifest: &Source) -> Vec<String> {
    let clients = needs(manifest).into_iter().filter(|name| HTTP_CLIENTS.contains(&name.as_str()));
    clients.map(|name| format!("{} could call another service with {name}", crate_name(manifest))).collect()
}

fn without_lints(manifest: &Source) -> Vec<String> {
    let has_lints = manifest.text.contains("[lints]\nworkspace = true");
    if has_lints { vec![] } else { vec![format!("{} does not take the lints of the workspace", crate_name(manifest))] }
}

/// Crates whose code runs in the services, or reads what they have written with their own code.
const AUDITED: [&str; 5] = ["chassis", "order-service", "delivery-service", "sagactl", "tests"];

/// Where an auditor takes something from what is audited.
fn biased(source: &Source) -> Vec<String> {
    let paths = AUDITED.map(|name| format!("{}::", name.replace('-', "_")));
    let found = source.code().filter(|(_, line)| paths.iter().any(|path| line.contains(path.as_str())));
    found.map(|(n, line)| source.at(n, line.trim())).collect()
}

/// The auditor, and all that it may be made of: what breaks things and what is broken are none of it.
const AUDITOR: [&str; 6] = [
    "faults/src/archive.rs",
    "faults/src/audit",
    "faults/src/audit.rs",
    "faults/src/broker.rs",
    "faults/src/fault.rs",
    "faults/src/load/journal.rs",
];

/// Where the auditor takes something from a module that is none of its own.
fn strayed(source: &Source) -> Vec<String> {
    let modules = AUDITOR.map(|path| path.trim_start_matches("faults/src/").trim_end_matches(".rs").replace('/', "::"));
    let is_own = |path: &str| modules.iter().any(|module| path.starts_with(module.as_str()));
    let strays = source.code().filter(|(_, line)| line.split("crate::").skip(1).any(|path| !is_own(path)));
    strays.map(|(n, line)| source.at(n, line.trim())).collect()
}

/// Where a build that people use could come to have the bugs that are planted for the fault runs.
fn planted(source: &Source) -> Vec<String> {
    let lines = source.text.lines().enumerate();
    // Declared, or looked at and not built.
    let is_harmless = |line: &str| line.starts_with("planted-bugs = [") || line.contains(" cargo clippy ");
    let planting = lines.filter(|(_, line)| line.contains("planted-bugs") && !is_harmless(line));
    planting.map(|(n, line)| source.at(n + 1, line.trim())).collect()
}

#[test]
fn the_auditor_shares_no_code_with_what_it_audits() {
    let services = needs(&read("faults/Cargo.toml")).into_iter().filter(|name| AUDITED[..3].contains(&name.as_str()));
    assert_none(&services.map(|name| format!("faults depends on {name}")).collect::<Vec<_>>());
    let auditor: Vec<Source> = AUDITOR.into_iter().flat_map(rust).collect();
    assert_none(&auditor.iter().flat_map(biased).collect::<Vec<_>>());
    assert_none(&auditor.iter().flat_map(strayed).collect::<Vec<_>>());
}

#[test]
fn nobody_gets_a_planted_bug_without_asking_for_it() {
    let guard = "#[cfg(all(feature = \"planted-bugs\", not(debug_assertions)))]\ncompile_error!";
    assert!(read("chassis/src/planted.rs").text.contains(guard), "a release could be built with planted bugs");
    let builds = ["Dockerfile", "docker-compose.yml", ".cargo/config.toml", ".ci/run"].map(read).into_iter();
    let scripts = paths("scripts").into_iter().map(|path| read(&path));
    assert_none(&builds.chain(scripts).chain(manifests()).flat_map(|source| planted(&source)).collect::<Vec<_>>());
}

#[test]
fn dependencies_run_one_way() {
    assert_none(&manifests().iter().flat_map(upward).collect::<Vec<_>>());
}

#[test]
fn the_contract_does_no_io() {
    assert_none(&impure_contract(&read("shared-events/Cargo.toml")));
}

#[test]
fn no_service_can_call_the_other() {
    let names = ["chassis/Cargo.toml", "order-service/Cargo.toml", "delivery-service/Cargo.toml"];
    assert_none(&names.into_iter().flat_map(|path| http_clients(&read(path))).collect::<Vec<_>>());
    // hyper is there to serve; its client stays switched off for the whole workspace.
    let workspace = read("Cargo.toml");
    let hyper = workspace.text.lines().filter(|line| line.starts_with("hyper"));
    assert_none(&hyper.filter(|line| line.contains("client")).map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    assert_none(&manifests().iter().flat_map(without_lints).collect::<Vec<_>>());
}

#[test]
fn the_rules_of_dependencies_can_fail() {
    let order = |text: &str| Source::made_up("order-service/Cargo.toml", text);
    let sideways =
        order("[dependencies]\nchassis.workspace = true\ndelivery-service = { path = \"../delivery-service\" }\n");
    assert_eq!(upward(&sideways), ["order-service depends on delivery-service"]);
    assert_eq!(upward(&order("[dev-dependencies.devstack]\npath = \"x\"\n")), ["order-service depends on devstack"]);
    assert!(upward(&order("[dependencies]\nchassis.workspace = true\n[features]\ntests = []\n")).is_empty());
    assert_eq!(upward(&Source::made_up("extra/Cargo.toml", "")), ["extra has no place in the order of crates"]);
    assert_eq!(http_clients(&order("[dependencies]\nreqwest = \"0.13\"\n")).len(), 1);
    assert!(http_clients(&order("[dev-dependencies]\nreqwest = \"0.13\"\n")).is_empty());
    let contract =
        Source::made_up("shared-events/Cargo.toml", "[dependencies]\nserde.workspace = true\ntokio = \"1\"\n");
    assert_eq!(impure_contract(&contract), ["shared-events depends on tokio"]);
    assert_eq!(without_lints(&contract).len(), 1);
    assert_eq!(biased(&Source::made_up("faults/src/audit.rs", "use chassis::clock;\nuse tests::Proxy;\n")).len(), 2);
    let audit = |text: &str| Source::made_up("faults/src/audit.rs", text);
    assert!(strayed(&audit("use crate::load::journal::Line;\nuse crate::audit::Finding;\n")).is_empty());
    assert_eq!(strayed(&audit("use crate::load::Client;\nlet far = crate::ground::PARTITIONS;\n")).len(), 2);
    let by_default = order("[features]\ndefault = [\"planted-bugs\"]\nplanted-bugs = [\"chassis/planted-bugs\"]\n");
    assert_eq!(planted(&by_default).len(), 1);
    let built_with = Source::made_up("Dockerfile", "RUN cargo build --features planted-bugs\n");
    assert_eq!(planted(&built_with).len(), 1);
}
