//! A report as a file: kept, and read again to be compared with.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Report;

impl Report {
    /// Writes all of it as JSON.
    pub fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory).with_context(|| format!("{} could not be made", directory.display()))?;
        }
        fs::write(file, text + "\n").with_context(|| format!("{} could not be written", file.display()))
    }

    /// Reads what an earlier run has written.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} could not be read", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report of a run", file.display()))
    }

    /// How many times the value of an earlier run a figure is.
    pub(super) fn ratio_to(&self, before: &Self, name: &str) -> Option<f64> {
        Some(self.value(name)? / before.value(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::made_up;
    use super::*;

    #[test]
    fn what_was_kept_is_read_again() {
        let file = std::env::temp_dir().join(format!("bench-{}", std::process::id())).join("report.json");
        let report = made_up(&[("burst.accepted_per_s", 4_321.5), ("limits.l1_orders_per_s", 5_000.0)]);
        report.save(&file).expect("written");
        let read = Report::read(&file).expect("read");
        assert_eq!((read.figures, read.machine.comparable), (report.figures, true));
        fs::write(&file, "{}").expect("written over");
        assert!(Report::read(&file).is_err(), "no report");
        fs::remove_dir_all(file.parent().expect("a directory")).expect("removed");
    }

    #[test]
    fn a_figure_is_compared_with_its_namesake() {
        let (before, now) =
            (made_up(&[("a", 10.0), ("b", 50.0), ("gone", 1.0)]), made_up(&[("b", 25.0), ("a", 20.0), ("new", 1.0)]));
        let ratios = ["a", "b", "gone", "new"].map(|name| now.ratio_to(&before, name));
        assert_eq!(ratios, [Some(2.0), Some(0.5), None, None]);
    }
}
