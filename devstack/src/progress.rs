//! What is going on, one line for each step.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where steps are shown. Steps may run at the same time; each has its own line.
#[derive(Clone)]
pub struct Progress {
    face: Face,
}

#[derive(Clone)]
enum Face {
    Terminal(MultiProgress),
    Lines,
    Hidden,
}

impl Progress {
    /// On standard error: a spinner for each step under way on a terminal; elsewhere a line when a step is done.
    pub fn shown() -> Self {
        let face = if std::io::stderr().is_terminal() { Face::Terminal(MultiProgress::new()) } else { Face::Lines };
        Self { face }
    }

    /// Nothing is shown: for tests.
    pub fn hidden() -> Self {
        Self { face: Face::Hidden }
    }

    /// Begins a step. `doing` says what is being done ("Starting PostgreSQL").
    pub fn step(&self, doing: &str) -> Step {
        let bar = match &self.face {
            Face::Terminal(bars) => Some(bars.add(spinner(doing))),
            Face::Lines | Face::Hidden => None,
        };
        Step { started: Instant::now(), bar, progress: self.clone() }
    }

    fn line(&self, text: &str) {
        match &self.face {
            Face::Terminal(bars) => bars.suspend(|| eprintln!("{text}")),
            Face::Lines => eprintln!("{text}"),
            Face::Hidden => {}
        }
    }
}

/// A step under way. Dropped without [`Step::done`] it disappears: the error that follows says the rest.
pub struct Step {
    started: Instant,
    bar: Option<ProgressBar>,
    progress: Progress,
}

impl Step {
    /// Ends the step. `outcome` says what is there now ("PostgreSQL 15 on 127.0.0.1:5432").
    pub fn done(self, outcome: &str) {
        let line = format!("  {outcome} ({:.1} s)", self.started.elapsed().as_secs_f64());
        self.progress.line(&line);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn spinner(doing: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} … {elapsed}");
    let bar = ProgressBar::new_spinner().with_message(doing.to_owned());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
