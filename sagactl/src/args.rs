//! What can be said on the command line.

use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  cargo demo                       the whole story, then stays up until Ctrl-C
  cargo demo -- --once             the same, and ends: exit status 0 only if all went as it should
  cargo sagactl up                 only the running pair, with something to sell and somebody to deliver
  cargo sagactl verify --orders-database postgres://… --deliveries-database postgres://…

PostgreSQL and Kafka are started on this machine unless DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS name some.";

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
    /// Checks the invariants over both databases; also while the services are at work
    #[command(
        after_help = "Exit status: 0 every invariant holds, 1 some are broken, 2 it could not be looked.\n\nReads only, in one snapshot of each database. Two databases cannot show what lies in Kafka: with a service that is down on purpose, events \
that it has not read show as I11 once --patience-seconds have passed."
    )]
    Verify(Verify),
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
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Order-service's database: postgres://user:password@host:port/name
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub orders_database: String,
    /// Delivery-service's database
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub deliveries_database: String,
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
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }
}
