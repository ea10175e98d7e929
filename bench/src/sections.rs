//! What is measured, each section by itself: it starts what it needs and takes it down again.

use anyhow::Result;
use clap::ValueEnum;
use devstack::Progress;

use crate::options::Options;
use crate::report::Report;

/// One part of the benchmark, as `--only` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// What PostgreSQL, Kafka and HTTP come to by themselves
    Limits,
    /// 64 connections for ten seconds: accepted, confirmed
    Burst,
}

impl Section {
    /// Measures it and adds its figures.
    ///
    /// # Errors
    /// Where something was not as it has to be: that is no figure.
    pub async fn measure(self, options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
        match self {
            Section::Limits => crate::limits::measure(options, progress, report).await,
            Section::Burst => crate::pair::burst(options, progress, report).await,
        }
    }
}
