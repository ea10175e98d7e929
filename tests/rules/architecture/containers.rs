//! What the containers may not do: listen where others can reach them, change by themselves, grow without end.

use super::{Source, assert_none, read};

/// Published ports that are not on this machine's own address only, in either style of a list. What is not understood counts as open.
fn open_to_others(compose: &Source) -> Vec<String> {
    let lines: Vec<(usize, &str)> = compose.code().map(|(n, line)| (n, line.trim())).collect();
    let mut open = vec![];
    for (at, (n, line)) in lines.iter().enumerate() {
        let block = lines[at + 1..].iter().map_while(|(_, entry)| entry.strip_prefix('-'));
        let entries: Vec<&str> = match line.strip_prefix("ports:").map(str::trim) {
            Some("") => block.collect(),
            Some(list) => {
                list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or("").split(',').collect()
            }
            None if line.starts_with("network_mode:") => vec![line],
            None => continue,
        };
        let own = |entry: &&str| entry.trim().trim_start_matches('"').starts_with("127.0.0.1:");
        if entries.is_empty() || !entries.iter().all(own) {
            open.push(compose.at(*n, line));
        }
    }
    open
}

/// Images of others without a tag, or with one that moves on by itself.
fn unpinned(source: &Source) -> Vec<String> {
    let stages: Vec<&str> = source.text.lines().filter_map(|line| Some(line.split_once(" AS ")?.1)).collect();
    let named = source.code().filter_map(|(n, line)| {
        let image = line.trim().strip_prefix("image: ").or_else(|| line.strip_prefix("FROM "))?;
        Some((n, image.split(' ').next().unwrap_or_default()))
    });
    let of_others = named.filter(|(_, image)| !image.starts_with("order-delivery/") && !stages.contains(image));
    let unpinned = of_others.filter(|(_, image)| image.split_once(':').is_none_or(|(_, tag)| tag == "latest"));
    unpinned.map(|(n, image)| source.at(n, image)).collect()
}

/// Templates of containers (they begin with `x-` and name an image, or what ours have in common) without a limit on memory.
fn without_limit(compose: &Source) -> Vec<String> {
    let blocks = compose.text.split("\n\n").filter(|block| block.contains("restart: unless-stopped"));
    let unlimited = blocks.filter(|block| !block.contains("mem_limit:"));
    unlimited.map(|block| format!("{}: no mem_limit in {block}", compose.path)).collect()
}

#[test]
fn nobody_else_can_reach_the_containers() {
    let compose = read("docker-compose.yml");
    assert!(compose.text.contains("ports:"), "where are the ports?");
    assert_none(&open_to_others(&compose));
}

#[test]
fn no_image_changes_by_itself() {
    assert_none(&[unpinned(&read("docker-compose.yml")), unpinned(&read("Dockerfile"))].concat());
}

#[test]
fn whatever_runs_has_a_limit_on_its_memory() {
    let compose = read("docker-compose.yml");
    assert!(compose.text.contains("restart: unless-stopped"), "what runs?");
    assert_none(&without_limit(&compose));
}

#[test]
fn the_rules_of_containers_can_fail() {
    let compose = |text: &str| Source::made_up("docker-compose.yml", text);
    assert_eq!(open_to_others(&compose("    ports: [\"8080:8080\"]\n")).len(), 1);
    assert_eq!(open_to_others(&compose("    ports: [\"127.0.0.1:1:1\", \"0.0.0.0:2:2\"]\n")).len(), 1);
    for one_open in [
        "ports:\n  - \"8080:8080\"\n",
        "ports:\n  - 127.0.0.1:1:1\n  - 8080:8080\n",
        "ports:\n  - target: 8080\n    published: 8080\n",
        "ports: [\n  \"127.0.0.1:1:1\"]\n",
        "network_mode: host\n",
    ] {
        assert_eq!(open_to_others(&compose(one_open)).len(), 1, "{one_open}");
    }
    assert!(open_to_others(&compose("    ports: [\"127.0.0.1:${PORT:-1}:1\", \"127.0.0.1:2:2\"]\n")).is_empty());
    assert!(
        open_to_others(&compose("    ports:\n      - \"127.0.0.1:1:1\"\n    networks:\n      - \"a\"\n")).is_empty()
    );
    assert_eq!(unpinned(&compose("  image: postgres\n")).len(), 1);
    assert_eq!(unpinned(&compose("  image: postgres:latest\n")).len(), 1);
    assert!(unpinned(&compose("  image: postgres:17\n  image: order-delivery/sagactl\n")).is_empty());
    let dockerfile = Source::made_up("Dockerfile", "FROM debian AS runtime\nFROM runtime AS sagactl\n");
    assert_eq!(unpinned(&dockerfile), ["Dockerfile:1: debian"]);
    assert_eq!(without_limit(&compose("x-a: &a\n  restart: unless-stopped\n\nx-b: &b\n  mem_limit: 1g\n")).len(), 1);
}
