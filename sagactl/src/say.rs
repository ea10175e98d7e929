//! What people read. Standard output has the story, standard error what is being done and what went wrong.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// How often something moves where it is not known how far it is.
const TICK: Duration = Duration::from_millis(100);

/// Where the story is told.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    styled: bool,
}

impl Page {
    /// Standard output; in colours where it is a terminal and NO_COLOR is not set.
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { styled: wanted && std::io::stdout().is_terminal() }
    }

    /// Writes a line. Who reads us may go away: that ends us, and is not worth a panic.
    pub fn line(self, text: impl Display) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).context("nobody reads the output any more")
    }

    pub fn heading(self, text: &str) -> Result<()> {
        self.line("")?;
        self.line(self.styled(text, "1"))
    }

    pub fn good(self, text: &str) -> Result<()> {
        self.line(self.styled(text, "32"))
    }

    pub fn bad(self, text: &str) -> Result<()> {
        self.line(self.styled(text, "1;31"))
    }

    fn styled(self, text: &str, style: &str) -> String {
        if self.styled { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// How far it is, on standard error where that is a terminal.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("  {{bar:40}} {{pos}}/{{len}} {what}"));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The same where nobody knows how many there will be.
pub fn count(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("  {{spinner}} {{pos}} {what}"));
    let spinner = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.enable_steady_tick(TICK);
    spinner
}

/// Says on standard error what went wrong.
pub fn error(error: &anyhow::Error) {
    // Nothing is left to be done when even this cannot be written.
    if let Err(unsaid) = writeln!(std::io::stderr(), "sagactl: {}", sentence(error)) {
        drop(unsaid);
    }
}

/// An error and its causes as one sentence. What follows on more lines (the end of a log) stays as it is.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let cause = cause.trim_end_matches('.');
        // Some errors repeat in their own words what caused them.
        if sentence.ends_with(cause) {
            continue;
        }
        let separator = if sentence.is_empty() { "" } else { ": " };
        sentence = format!("{sentence}{separator}{cause}");
    }
    if sentence.contains('\n') { sentence } else { format!("{sentence}.") }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn an_error_is_one_sentence() {
        let error = anyhow::anyhow!("refused").context("an error: refused").context("PostgreSQL could not be reached.");
        assert_eq!(sentence(&error), "PostgreSQL could not be reached: an error: refused.");
    }
}
