//! What is measured, each section by itself.

use anyhow::Result;
use clap::ValueEnum;
use devstack::Progress;

use crate::options::Options;
use crate::pair;
use crate::report::Report;
use crate::stage::Stage;

/// One part of the benchmark, as `--only` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// What PostgreSQL, Kafka and HTTP come to by themselves
    Limits,
    /// 200,000 events through the relay, through the consumer, and once more
    Alone,
    /// 64 connections for ten seconds: accepted, confirmed
    Burst,
    /// The same for five minutes: is what piles up bounded, and what does an order cost
    Sustained,
    /// 500 orders a second, at fixed times: how long does a customer wait
    Steady,
    /// The same at 30 % and 70 % of what the pair can do
    Open,
    /// One order at a time on an idle pair
    Lone,
    /// One, two and three instances of each service on the same topics
    Scale,
    /// 100,000 orders while Kafka is away, and how long it takes to make them good
    Outage,
    /// Three times what the pair can do: how much of it is done, and how soon the rest is refused
    Overload,
    /// Ten minutes at 70 %: do tables grow that should not
    Long,
    /// The burst and 500 orders a second with no other orders present, with 1 million and with 5 million
    Growth,
}

impl Section {
    /// As `--only` names it.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures it and adds its figures.
    ///
    /// # Errors
    /// Where something was not as it has to be: that is no figure.
    pub async fn measure(self, run: &mut Run<'_>) -> Result<()> {
        match self {
            Section::Limits => crate::limits::measure(run.options, run.progress, &mut run.report).await,
            Section::Alone => crate::alone::measure(run.options, run.progress, &mut run.report).await,
            Section::Burst => run.on_a_pair(pair::burst).await,
            Section::Sustained => run.on_a_pair(pair::sustained).await,
            Section::Steady => run.on_a_pair(pair::steady).await,
            Section::Open => run.on_a_pair(pair::shares).await,
            Section::Overload => run.on_a_pair(pair::overload).await,
            Section::Lone => run.on_a_pair(pair::lone).await,
            Section::Long => run.on_a_pair(pair::long).await,
            Section::Growth => {
                let progress = run.progress;
                let growth = async |stage: &mut Stage, options: &Options, report: &mut Report| {
                    pair::growth(stage, options, progress, report).await
                };
                run.on_a_pair(growth).await
            }
            Section::Scale => pair::scale(run.options, run.progress, &mut run.report).await,
            Section::Outage => pair::outage(run.options, run.progress, &mut run.report).await,
        }
    }
}

/// A run under way.
pub struct Run<'a> {
    options: &'a Options,
    progress: &'a Progress,
    /// What it has come to by now.
    pub report: Report,
    kept: Option<Stage>,
}

impl<'a> Run<'a> {
    /// Nothing is measured yet.
    pub fn new(options: &'a Options, progress: &'a Progress) -> Self {
        Self { options, progress, report: Report::new(options), kept: None }
    }

    /// Measures on one instance of each service: a fresh pair each time, or with `--quick` the one before.
    async fn on_a_pair(
        &mut self,
        measure: impl AsyncFnOnce(&mut Stage, &Options, &mut Report) -> Result<()>,
    ) -> Result<()> {
        let mut stage = match self.kept.take() {
            Some(stage) => stage,
            None => Stage::raise(self.options, self.progress, &mut self.report).await?,
        };
        let measured = measure(&mut stage, self.options, &mut self.report).await;
        if self.options.quick && measured.is_ok() {
            self.kept = Some(stage);
            return Ok(());
        }
        // What went wrong first is what has to be said.
        let stopped = stage.strike().await;
        measured.and(stopped)
    }

    /// Takes down what is still there.
    pub async fn end(self) -> Result<Report> {
        if let Some(stage) = self.kept {
            stage.strike().await?;
        }
        Ok(self.report)
    }
}
