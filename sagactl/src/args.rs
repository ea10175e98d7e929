//! What can be said on the command line.

mod places;

use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;

pub use places::{Kafka, Preflight};

use crate::shop::Pair;

const EXAMPLES: &str = "\
Examples:
  cargo demo                       the whole story, then stays up until Ctrl-C
  cargo demo -- --once             the same, and ends: exit status 0 only if all went as it should
  cargo demo -- --orders-url http://… --deliveries-url http://… --orders-database postgres://… --deliveries-database postgres://…
                                   the stories, told of a pair that runs already
  cargo sagactl up                 only the running pair, with something to sell and somebody to deliver
  cargo sagactl verify --orders-database postgres://… --deliveries-database postgres://…
  cargo sagactl verify --topics --kafka host:9092       the same, and both topics; the databases by the environment
  cargo sagactl preflight --kafka host:9092 --profile production
  source <(sagactl completions bash)

PostgreSQL and Kafka are started on this machine unless DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS name some.

Exit status, of every command: 0 all is well, 1 something is not as it should be and it was said what, 2 it could not be
looked or the command was not understood, 130 interrupted. Colours and progress only on a terminal, and no colours with
NO_COLOR. Every command is described in docs/sagactl.md.";

/// Runs the pair of services on this machine, tells its story and checks its invariants.
#[derive(Debug, Parser)]
#[command(name = "sagactl", version, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts PostgreSQL, Kafka and both services, fills them, and stays up until Ctrl-C
    Up(Up),
    /// The same, and tells the story: confirmed, compensated, cancelled, lost, delivered, a thousand at once
    Demo(Demo),
    /// Puts something to sell and somebody to deliver it into a pair that runs; a second time changes nothing
    Seed(Urls),
    /// Checks the invariants over both databases; also while the services are at work
    #[command(
        after_help = "Exit status: 0 every invariant holds, 1 some are broken, 2 it could not be looked.\n\nReads only, in one snapshot of each database. What may be in flight is looked at again, and counts only if it stays. Two databases cannot \
show what lies in Kafka: with a service that is down on purpose, events that it has not read show as I11 once --patience-seconds have passed.\n\nWith --topics both topics are read \
from end to end, by nobody's member and without a commit: I8 and I9, and that every event is on its topic, and no other. \
Takes about 140 bytes of memory for each order.\n\nExample:\n  sagactl verify --topics --kafka host:9092 --orders-database postgres://… --deliveries-database postgres://…"
    )]
    Verify(Verify),
    /// Looks whether everything is set as the services need it: topics, clients, databases, clocks
    #[command(
        after_help = "Exit status: 0 all is well, 1 something is refused, 2 something that was named could not be looked at.\n\nLooks at what is named, and says \
what is not. A service looks at the same when it starts. Name the databases with the services' own roles: it is these that are looked at.\n\nExamples:\n  \
sagactl preflight --kafka host:9092\n  sagactl preflight --kafka host:9092 --orders-database postgres://… --profile production --json"
    )]
    Preflight(Preflight),
    /// Prints what a shell needs to complete these commands
    #[command(
        after_help = "Examples:\n  source <(sagactl completions bash)\n  sagactl completions zsh > ~/.zfunc/_sagactl"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Up {
    /// Let the services listen on free ports, also where 8080 and 8081 are free
    #[arg(long)]
    pub free_ports: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Demo {
    #[command(flatten)]
    pub up: Up,
    /// End when the story is told, with exit status 0 only if all of it went as it should
    #[arg(long)]
    pub once: bool,
    /// How many orders are placed at once in the end
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub orders: u32,
    #[command(flatten)]
    pub given: Given,
}

/// Where both services are.
#[derive(Debug, Clone, ClapArgs)]
pub struct Urls {
    /// Order-service: http://host:port
    #[arg(long, env = "ORDERS_URL", value_name = "URL")]
    pub orders_url: String,
    /// Delivery-service: http://host:port
    #[arg(long, env = "DELIVERIES_URL", value_name = "URL")]
    pub deliveries_url: String,
}

/// A pair that somebody else runs, all of it or nothing. Without it a pair is started.
#[derive(Debug, Clone, ClapArgs)]
#[group(multiple = true, conflicts_with = "Up", requires_all = ["orders_url", "deliveries_url", "orders_database", "deliveries_database"])]
pub struct Given {
    /// Tell the stories of a pair that runs already, and end; order-service: http://host:port
    #[arg(long, env = "ORDERS_URL", value_name = "URL")]
    orders_url: Option<String>,
    /// Its delivery-service: http://host:port
    #[arg(long, env = "DELIVERIES_URL", value_name = "URL")]
    deliveries_url: Option<String>,
    /// Its order-service's database: postgres://user:password@host:port/name
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    orders_database: Option<String>,
    /// Its delivery-service's database
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    deliveries_database: Option<String>,
}

impl Given {
    /// The pair, if one is given.
    pub fn pair(&self) -> Option<Pair> {
        Some(Pair {
            urls: Urls { orders_url: self.orders_url.clone()?, deliveries_url: self.deliveries_url.clone()? },
            orders_database: self.orders_database.clone()?,
            deliveries_database: self.deliveries_database.clone()?,
            topics: None,
        })
    }
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Order-service's database: postgres://user:password@host:port/name
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub orders_database: String,
    /// Delivery-service's database
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub deliveries_database: String,
    /// Read both topics as well, from end to end: shows I8, I9, and whether every event is on its topic
    #[arg(long, requires = "kafka")]
    pub topics: bool,
    #[command(flatten)]
    pub kafka: Kafka,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// How many violations of each kind are printed; all are counted
    #[arg(long, default_value_t = 20)]
    pub most: usize,
    /// How long events may seem to be in flight, with none of them arriving, before they count as lost
    #[arg(long, default_value = "15", value_name = "SECONDS", value_parser = seconds)]
    pub patience_seconds: Duration,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

#[cfg(test)]
mod documented;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Args;

    #[test]
    fn topics_are_read_where_kafka_is_named() {
        let verify = |flags: &[&str]| {
            let databases = ["sagactl", "verify", "--orders-database=a", "--deliveries-database=b"];
            Args::try_parse_from(databases.iter().chain(flags)).is_ok()
        };
        assert!(verify(&[]) && verify(&["--topics", "--kafka=c"]) && verify(&["--kafka=c"]));
        assert!(!verify(&["--topics"]), "where?");
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_pair_is_given_wholly_or_not_at_all() {
        let flags = ["--orders-url=a", "--deliveries-url=b", "--orders-database=c", "--deliveries-database=d"];
        let demo = |flags: &[&str]| Args::try_parse_from(["sagactl", "demo"].iter().chain(flags));
        assert!(demo(&flags).is_ok() && demo(&[]).is_ok());
        for given in 0..flags.len() {
            assert!(demo(&[&flags[..given], &flags[given + 1..]].concat()).is_err(), "without {}", flags[given]);
        }
        assert!(demo(&[&flags[..], &["--free-ports"]].concat()).is_err(), "whose ports?");
    }
}
