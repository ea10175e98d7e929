//! `sagactl journey` and `sagactl stuck`: both services are asked, and nothing is changed.

use anyhow::Result;
use chrono::Utc;
use sagactl::services::Services;
use sagactl::{journey, stuck};

use crate::args::{Journey, Reach, Stuck};
use crate::ending::Ending;
use crate::say::{self, Page};

/// Shows the journey of an order.
pub async fn journey(args: &Journey) -> Result<Ending> {
    let kafka = match args.topics {
        true => Some(args.kafka.needed()?),
        false => None,
    };
    let mut merged = journey::follow(&services(&args.reach)?, args.order).await?;
    if let Some(kafka) = kafka {
        let bar = say::bar(0, "records read");
        let located = merged.locate(&kafka, &bar).await;
        bar.finish_and_clear();
        located?;
    }
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&merged)?)?;
    } else {
        page.line(merged.to_string().trim_end())?;
    }
    Ok(match (merged.is_whole(), merged.is_known()) {
        (false, _) => Ending::CouldNotLook,
        (true, true) => Ending::Well,
        (true, false) => Ending::Failed,
    })
}

/// Shows what waits, and why.
pub async fn stuck(args: &Stuck) -> Result<Ending> {
    let (orders, older_than_s, most) = (args.orders.clone(), args.older_than_s, args.most.max(1));
    let options = stuck::Options { orders, older_than_s, most, kafka: args.kafka.settings() };
    let report = stuck::look(&services(&args.reach)?, &options, Utc::now()).await?;
    let page = Page::new();
    if args.json {
        page.line(serde_json::to_string_pretty(&report)?)?;
    } else {
        page.line(report.to_string().trim_end())?;
    }
    Ok(match (report.is_anything_overdue(), report.is_whole()) {
        (true, _) => Ending::Failed,
        (false, false) => Ending::CouldNotLook,
        (false, true) => Ending::Well,
    })
}

fn services(reach: &Reach) -> Result<Services> {
    Services::at(reach.addresses(), reach.credentials.bearer()?)
}
