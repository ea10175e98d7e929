//! What it costs: CPU time and memory of each program, as Linux counts them.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

/// A process id.
pub type Pid = u32;

/// CPU time of a program with all its children, in milliseconds: those that are there, and those that were.
pub fn cpu_ms(root: Pid) -> Result<f64> {
    Ok(milliseconds(ticks_of(&all_stats()?, root)))
}

fn ticks_of(stats: &HashMap<Pid, Stat>, root: Pid) -> u64 {
    let mut ticks = 0;
    let mut family = vec![root];
    while let Some(pid) = family.pop() {
        // A child that ends in between has its time in its parent's next count.
        let Some(stat) = stats.get(&pid) else { continue };
        ticks += stat.own_ticks + stat.ended_children_ticks;
        family.extend(stats.iter().filter(|(_, stat)| stat.parent == pid).map(|(pid, _)| *pid));
    }
    ticks
}

fn milliseconds(ticks: u64) -> f64 {
    ticks as f64 * 1_000.0 / clock_ticks_per_second() as f64
}

/// CPU time of this program, in milliseconds: without what it has started, which is measured by itself.
pub fn own_cpu_ms() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat").context("CPU time is read from /proc, which only Linux has")?;
    let stat = Stat::read(&text).with_context(|| format!("/proc/self/stat was not understood: {text}"))?;
    Ok(milliseconds(stat.own_ticks))
}

/// Resident memory of one program, in megabytes.
pub fn resident_mb(pid: Pid) -> Result<f64> {
    status_mb(pid, "VmRSS:")
}

/// The most resident memory that one program has had since it was started, in megabytes.
pub fn most_resident_mb(pid: Pid) -> Result<f64> {
    status_mb(pid, "VmHWM:")
}

/// Memory of a program with all its children, in megabytes. What several share is divided among them.
pub fn shared_mb(root: Pid) -> Result<f64> {
    let stats = all_stats()?;
    let mut sum = 0.0;
    let children = stats.iter().filter(|(_, stat)| stat.parent == root).map(|(pid, _)| *pid);
    for pid in children.chain([root]) {
        // One that has ended meanwhile has none.
        if let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            sum += kilobytes(&rollup, "Pss:").unwrap_or(0.0);
        }
    }
    Ok(sum)
}

fn status_mb(pid: Pid, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("{pid} is not there"))?;
    kilobytes(&status, name).with_context(|| format!("{pid} has no memory"))
}

fn kilobytes(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: f64 = line.trim().strip_suffix("kB")?.trim().parse().unwrap_or(f64::NAN);
    Some(number * 1_024.0 / 1_000_000.0)
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: Pid,
    own_ticks: u64,
    /// Of children that have ended and were waited for, and of theirs.
    ended_children_ticks: u64,
}

fn all_stats() -> Result<HashMap<Pid, Stat>> {
    let mut stats = HashMap::new();
    for entry in fs::read_dir("/proc").context("CPU time and memory are read from /proc, which only Linux has")? {
        let name = entry?.file_name();
        let Some(Ok(pid)) = name.to_str().map(str::parse) else { continue };
        // One that has ended meanwhile is not there any more.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        stats.insert(pid, Stat::read(&text).with_context(|| format!("/proc/{pid}/stat was not understood: {text}"))?);
    }
    Ok(stats)
}

impl Stat {
    fn read(text: &str) -> Option<Self> {
        // The program's name stands in brackets, and may have blanks and brackets itself.
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        Some(Self {
            parent: Pid::try_from(ticks(1)?).ok()?,
            own_ticks: ticks(11)? + ticks(12)?,
            ended_children_ticks: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn times_and_parents_are_read_behind_any_name() {
        let text = "4711 (a) b (c)) S 17 4711 4711 0 -1 4194560 1 2 3 4 500 60 7000 800 20 0 1 0 99 1 2";
        let stat = Stat::read(text).expect("a line of /proc");
        assert_eq!(stat, Stat { parent: 17, own_ticks: 560, ended_children_ticks: 7_800 });
        assert_eq!(Stat::read("nonsense"), None);
    }

    #[test]
    fn memory_is_told_in_millions_of_bytes() {
        assert_eq!(kilobytes("Name:\tx\nVmRSS:\t   1000 kB\n", "VmRSS:"), Some(1.024));
        assert_eq!(kilobytes("Name:\tx\n", "VmRSS:"), None);
        assert!(resident_mb(std::process::id()).unwrap() > 1.0);
        assert!(shared_mb(std::process::id()).unwrap() > 1.0);
    }

    #[test]
    fn time_of_children_counts_while_they_are_there_and_after() {
        let stat = |parent, own_ticks, ended_children_ticks| Stat { parent, own_ticks, ended_children_ticks };
        let family = [(1, stat(0, 1, 20)), (2, stat(1, 300, 0)), (3, stat(2, 4_000, 0)), (9, stat(0, 50_000, 0))];
        assert_eq!(ticks_of(&HashMap::from(family), 1), 4_321);
    }

    #[test]
    fn a_busy_program_has_time() {
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let give_up_at = Instant::now() + Duration::from_secs(30);
        while cpu_ms(busy.id()).unwrap() < 100.0 {
            assert!(Instant::now() < give_up_at, "none after half a minute");
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
    }
}
