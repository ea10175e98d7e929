//! One, two and three instances of each service on the same databases and topics: what they come to, whether every order's events keep
//! their order, whether all have work, and what it costs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devstack::{Progress, ServiceProcess, StackOptions};
use shared_events::Topic;

use super::open::{STEADY, waiting};
use super::saturate;
use crate::options::Options;
use crate::report::{Report, Unit};
use crate::stage::{Lanes, Stage};

const NAMES: [&str; 3] = ["one_instance", "two_instances", "three_instances"];

/// From one instance to as many as are asked for; in a hurry only two.
pub async fn scale(options: &Options, progress: &Progress, report: &mut Report) -> Result<()> {
    for instances in options.sized(1..=options.instances, 2..=2) {
        let wanted = StackOptions { instances, ..StackOptions::default() };
        let mut stage = Stage::raise_with(wanted, options, progress, report).await?;
        let name = NAMES[usize::try_from(instances - 1)?];
        measure(&mut stage, name, options, report).await?;
        stage.strike().await?;
    }
    Ok(())
}

async fn measure(stage: &mut Stage, name: &str, options: &Options, report: &mut Report) -> Result<()> {
    saturate(stage, &format!("{name}_burst"), options.length_s(10, 1), options, report).await?;
    waiting(stage, name, STEADY.of(options), options, report).await?;
    for topic in [Topic::Orders, Topic::Deliveries] {
        let full_name = format!("{}{}", stage.stack.topic_prefix(), topic.name());
        let lanes = Lanes::read(stage.stack.kafka.bootstrap(), &full_name).await.context("the order of events")?;
        let share = lanes.least_partition_share();
        ensure!(share > 0.0, "a partition of {full_name} has nothing: {:?}", lanes.records);
        report.add(&format!("{name}.{}_repeats", topic.name()), lanes.repeats as f64, Unit::Count);
        report.add(&format!("{name}.{}_least_partition", topic.name()), share, Unit::Share);
    }
    for (service, instances) in [
        ("order_service", stage.stack.order_services().collect::<Vec<_>>()),
        ("delivery_service", stage.stack.delivery_services().collect()),
    ] {
        let share = least_instance_share(&instances).await?;
        ensure!(share > 0.0, "an instance of {service} has applied nothing");
        report.add(&format!("{name}.{service}_least_instance"), share, Unit::Share);
    }
    Ok(())
}

/// What the instance has applied that has applied least, as a share of what each would have were they all alike.
async fn least_instance_share(instances: &[&ServiceProcess]) -> Result<f64> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let mut applied = Vec::new();
    for instance in instances {
        let text = http.get(format!("{}/metrics", instance.url())).send().await?.error_for_status()?.text().await?;
        applied.push(events_applied(&text));
    }
    let least = applied.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(least * applied.len() as f64 / applied.iter().sum::<f64>().max(1.0))
}

/// Reads what Prometheus reads.
fn events_applied(metrics: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with("inbox_events_total{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::events_applied;

    #[test]
    fn events_of_every_outcome_count() {
        let metrics = "# TYPE inbox_events_total counter\ninbox_events_total{outcome=\"applied\"} 12\n\
                       inbox_events_total{outcome=\"duplicate\"} 3\noutbox_relayed_total 99\n";
        assert!((events_applied(metrics) - 15.0).abs() < f64::EPSILON);
    }
}
