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
    pub async fn measure(self, options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
        match self {
            Section::Limits => crate::limits::measure(options, progress, report).await,
            Section::Alone => crate::alone::measure(options, progress, report).await,
            Section::Burst => crate::pair::burst(options, progress, report).await,
            Section::Sustained => crate::pair::sustained(options, progress, report).await,
            Section::Steady => crate::pair::steady(options, progress, report).await,
            Section::Open => crate::pair::shares(options, progress, report).await,
            Section::Lone => crate::pair::lone(options, progress, report).await,
            Section::Scale => crate::pair::scale(options, progress, report).await,
            Section::Outage => crate::pair::outage(options, progress, report).await,
            Section::Long => crate::pair::long(options, progress, report).await,
            Section::Growth => crate::pair::growth(options, progress, report).await,
        }
    }
}
