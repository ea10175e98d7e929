//! The pair as a whole, under load.

use anyhow::Result;
use devstack::{Ports, Progress, Stack, StackOptions};

use crate::options::Options;
use crate::report::{Report, Unit};

/// As fast as 64 connections go.
pub async fn burst(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    let stack = Stack::start(StackOptions { ports: Ports::Free, ..StackOptions::default() }, progress).await?;
    let connections = options.sized(64.0, 8.0);
    report.add("burst.connections", connections, Unit::Count);
    stack.stop().await
}
