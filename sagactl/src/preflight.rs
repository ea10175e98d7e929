//! Looks whether everything is set as the services need it: at as much of it as is named.

mod service;

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::messaging::{kafka, topics};
use chassis::preflight::{self, Check, Profile, Severity};
use chrono::TimeDelta;
use serde::Serialize;
use shared_events::Topic;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use crate::table::{Cell, bad, doubtful, good, table};
use crate::topics::KafkaSettings;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The order side, then the delivery side.
const SIDES: [Topic; 2] = [Topic::Orders, Topic::Deliveries];
const URL_FLAGS: [&str; 2] = ["--orders-url", "--deliveries-url"];
const DATABASE_FLAGS: [&str; 2] = ["--orders-database", "--deliveries-database"];

/// What there is to look at. The order side comes first.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Where the services answer.
    pub urls: [Option<String>; 2],
    /// Their databases, with their own roles.
    pub databases: [Option<String>; 2],
    /// The topics between them.
    pub kafka: Option<KafkaSettings>,
}

/// The longest that a service waits for an event where nobody has told it anything else. The flags of a command want it as a text.
pub const LONGEST_WAIT_SECONDS: &str = "3840";

/// What is asked of the topics.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What they have to withstand.
    pub profile: Profile,
    /// The longest that a service waits for an event.
    pub longest_wait: TimeDelta,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was looked at.
    pub checks: Vec<Looked>,
    /// What was named, and could not be looked at.
    pub failed: Vec<NotLooked>,
    /// What was not named, or tells nothing.
    pub left_out: Vec<NotLooked>,
}

/// One check, and where.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// Where.
    pub at: String,
    /// What came of it.
    #[serde(flatten)]
    pub check: Check,
}

/// Something that was not looked at.
#[derive(Clone, Debug, Serialize)]
pub struct NotLooked {
    /// What it is.
    pub at: String,
    /// Why not.
    pub because: String,
}

/// Looks at everything that is named.
pub async fn look(places: &Places, terms: Terms) -> Report {
    let mut report = Report::default();
    report.add("this program", Ok(of_clients()));
    let shapes = match &places.kafka {
        Some(settings) => report.kafka(settings, terms).await,
        None => {
            report.leave_out("Kafka", "--kafka is missing");
            None
        }
    };
    for (side, name) in SIDES.map(Topic::source).into_iter().enumerate() {
        let at = format!("{name}'s database");
        match &places.databases[side] {
            Some(url) => {
                let looked = of_database(url, shapes.as_ref()).await;
                report.add(&at, looked);
            }
            None => report.leave_out(&at, &format!("{} is missing", DATABASE_FLAGS[side])),
        }
        match &places.urls[side] {
            Some(url) => {
                let looked = service::look(name, url).await;
                report.add(name, looked);
            }
            None => report.leave_out(name, &format!("{} is missing", URL_FLAGS[side])),
        }
    }
    report
}

impl Report {
    /// Whether anything is not as it has to be.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.checks.iter().any(|looked| looked.check.severity == Severity::Refusal)
    }

    /// Whether all that was named could be looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty()
    }

    fn add(&mut self, at: &str, looked: Result<Vec<Check>>) {
        match looked {
            Ok(checks) => self.checks.extend(checks.into_iter().map(|check| Looked { at: at.to_owned(), check })),
            Err(error) => self.failed.push(NotLooked { at: at.to_owned(), because: format!("{error:#}") }),
        }
    }

    fn leave_out(&mut self, at: &str, because: &str) {
        self.left_out.push(NotLooked { at: at.to_owned(), because: because.to_owned() });
    }

    async fn kafka(&mut self, settings: &KafkaSettings, terms: Terms) -> Option<[topics::Shape; 2]> {
        self.leave_out("Kafka's clock", "a broker tells its time only in records that it has stamped itself");
        let asked = settings.clone();
        let shapes = tokio::task::spawn_blocking(move || topics::shapes(&asked)).await;
        let shapes = shapes.context("the look at the topics died").and_then(|shapes| shapes);
        let shapes = match shapes {
            Ok(shapes) => shapes,
            Err(error) => {
                self.add("Kafka", Err(error));
                return None;
            }
        };
        let looked = preflight::lanes(settings, &shapes, terms.profile, terms.longest_wait).await;
        self.add("Kafka", looked);
        Some(shapes)
    }
}

/// The clients as this program's version of the services makes them.
fn of_clients() -> Vec<Check> {
    let settings = crate::topics::at("", "");
    preflight::clients(&kafka::producer(&settings), &kafka::consumer(&settings, "any"))
}

async fn of_database(url: &str, shapes: Option<&[topics::Shape; 2]>) -> Result<Vec<Check>> {
    let pool: PgPool = PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER_WITHIN).connect_lazy(url)?;
    let looked = timeout(ANSWER_WITHIN, async {
        let mut checks = preflight::database(&pool).await.context("it cannot be reached")?;
        if let Some(shapes) = shapes {
            let remembered = preflight::remembered(&pool, shapes).await;
            checks.extend(remembered.context("it does not tell how wide the topics were")?);
        }
        anyhow::Ok(checks)
    });
    let looked = looked.await.with_context(|| format!("it does not answer within {ANSWER_WITHIN:?}"));
    pool.close().await;
    looked?
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.checks.iter().map(|Looked { at, check }| {
            let verdict = match check.severity {
                Severity::Fine => good("fine"),
                Severity::Warning => doubtful("doubtful"),
                Severity::Refusal => bad("REFUSED"),
            };
            [Cell::new(at), Cell::new(&check.name), Cell::new(&check.found), verdict]
        });
        writeln!(f, "{}", table(["WHERE", "WHAT", "FOUND", ""], &rows.collect::<Vec<_>>()))?;
        for Looked { at, check } in self.checks.iter().filter(|looked| looked.check.severity != Severity::Fine) {
            writeln!(f, "{at}, {}: wanted is {}.", check.name, check.wanted)?;
        }
        for NotLooked { at, because } in &self.failed {
            writeln!(f, "{at} could not be looked at: {because}.")?;
        }
        for NotLooked { at, because } in &self.left_out {
            writeln!(f, "{at} was not looked at: {because}.")?;
        }
        Ok(())
    }
}
