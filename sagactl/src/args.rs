//! What can be said on the command line.

mod looking;
mod operating;
mod parking;
mod places;
mod reconciling;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use clap_complete::Shell;
use devstack::ALL_SCOPES;

pub use looking::{Journey, Reach, Stuck};
pub use operating::{Actions, At, Desk, Held, Operate, Pause, PauseCommand, Republish};
pub use parking::{Parked, ParkedCommand, Replay, ReplayCommand};
pub use places::{Kafka, Preflight};
pub use reconciling::Reconcile;

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
  cargo sagactl stuck --orders-url http://… --deliveries-url http://… --older-than-s 60
  cargo sagactl journey ORDER --orders-url http://… --deliveries-url http://…
  cargo sagactl token --key signing-key.pem --subject ada --scope customer
  cargo sagactl parked groups --orders-url http://… --deliveries-url http://…
  cargo sagactl replay rehearse --at deliveries --cause rejected --reason 'the zone is there now' --deliveries-url http://…
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
    #[command(
        after_help = "Exit status: 0 it was up, and stopped in good order, 1 something did not start or went down, 130 interrupted before it was up.\n\nExamples:\n  cargo sagactl up\n  DATABASE_URL=postgres://… cargo sagactl up --free-ports"
    )]
    Up(Up),
    /// The same, and tells the story: confirmed, compensated, cancelled, lost, delivered, a thousand at once
    #[command(
        after_help = "Exit status: 0 all went as it should, 1 something did not, 130 interrupted before it was told.\n\nExamples:\n  cargo demo -- --once\n  cargo demo -- --orders-url http://… --deliveries-url http://… --orders-database postgres://… --deliveries-database postgres://…"
    )]
    Demo(Demo),
    /// Puts something to sell and somebody to deliver it into a pair that runs; a second time changes nothing
    #[command(
        after_help = "Exit status: 0 it is there, 1 it could not be put there.\n\nExample:\n  cargo sagactl seed --orders-url http://localhost:8080 --deliveries-url http://localhost:8081 --token-key signing-key.pem"
    )]
    Seed(Urls),
    /// Checks the invariants over both databases; also while the services are at work
    #[command(
        after_help = "Exit status: 0 every invariant holds, 1 some are broken, 2 none is, as far as it was looked, and something could not be looked at: a database or the topics. What that leaves open is named, and the rest is judged.\n\nReads only, in one snapshot of each database, with roles that may do nothing else (docs/access.md). What may be in flight is looked at again, and counts only if it stays. Two databases cannot \
show what lies in Kafka: with a service that is down on purpose, events that it has not read show as I11 once --patience-seconds have passed.\n\nWith --topics both topics are read \
from end to end, by nobody's member and without a commit: I8 and I9, and that every event is on its topic, and no other. \
Takes about 140 bytes of memory for each order.\n\nExample:\n  sagactl verify --topics --kafka host:9092 --orders-database postgres://… --deliveries-database postgres://…"
    )]
    Verify(Verify),
    /// Makes a token with a development key, and prints it
    #[command(
        after_help = "Exit status: 0 printed, 1 it could not be made.\n\nExample:\n  TOKEN=$(cargo sagactl token --key signing-key.pem --subject ada --scope customer)\n  curl -H \"authorization: Bearer $TOKEN\" localhost:8080/orders"
    )]
    Token(Token),
    /// Makes a development key, and the file that services read to accept what is signed with it; those that are there stay
    #[command(
        after_help = "Exit status: 0 they are there, 1 they could not be made.\n\nExample:\n  cargo sagactl dev-keys --dir target/keys"
    )]
    DevKeys(DevKeys),
    /// Shows everything that happened to an order on both sides, what it waits for and what may still come
    #[command(
        after_help = "Example:\n  cargo sagactl journey 01a20a66-f935-758b-8626-ecdabe1ffc02 --topics --kafka host:9092\n\nExit status: 0 shown, 1 neither side \
knows the order, 2 a side, or Kafka, could not be asked."
    )]
    Journey(Journey),
    /// Names why each waiting order waits: one cause, what shows it, what helps
    #[command(
        after_help = "Exit status: 0 nothing has waited longer than it may, 1 something has, 2 a side could not be asked.\n\nWhat looks lost is looked at again \
before it is called so. With several instances of a service behind one address say --kafka as well: one instance knows of its own partitions only.\n\nExamples:\n  sagactl stuck --older-than-s 60\n  sagactl stuck ORDER --kafka host:9092 --json"
    )]
    Stuck(Stuck),
    /// Asks the owners of lost events to announce them again, as they stand in their logs
    #[command(
        after_help = "Exit status: 0 nothing was to be done or all of it is healed, 1 something is left, 2 it could not be looked.\n\nLooks as verify --topics does: what may be in flight is \
looked at again first. It decides nothing; what no repeat heals is named, and why. Where an event has arrived its repeat changes nothing.\n\nExamples:\n  \
sagactl reconcile --dry-run --kafka host:9092\n  sagactl reconcile --apply --reason 'the broker lost a disk' --kafka host:9092 --most 500"
    )]
    Reconcile(Reconcile),
    #[command(flatten)]
    Operate(Operate),
    /// Looks whether everything is set as the services need it: topics, clients, databases, clocks
    #[command(
        after_help = "Exit status: 0 all is well, 1 something is refused, 2 something that was named could not be looked at.\n\nLooks at what is named, and says \
what is not. A service looks at the same when it starts. Name the databases with the services' own roles: it is these that are looked at.\n\nExamples:\n  \
sagactl preflight --kafka host:9092\n  sagactl preflight --kafka host:9092 --orders-database postgres://… --profile production --json"
    )]
    Preflight(Preflight),
    /// Prints what a shell needs to complete these commands
    #[command(
        after_help = "Exit status: 0 printed, 1 nobody reads it.\n\nExamples:\n  source <(sagactl completions bash)\n  sagactl completions zsh > ~/.zfunc/_sagactl"
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
    #[command(flatten)]
    pub credentials: Credentials,
}

/// What is shown to the services.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Credentials {
    /// A token or an API key for the services
    #[arg(long, env = "SAGACTL_TOKEN", hide_env_values = true, value_name = "TOKEN", global = true)]
    pub token: Option<String>,
    /// Without --token: a development key to make one with
    #[arg(long, env = "SAGACTL_TOKEN_KEY", value_name = "FILE", global = true)]
    pub token_key: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Token {
    /// The development key: signing-key.pem
    #[arg(long, env = "SAGACTL_TOKEN_KEY", value_name = "FILE")]
    pub key: PathBuf,
    /// Who it is for: a customer's id, a courier's id, whoever
    #[arg(long)]
    pub subject: String,
    /// What they may: some of customer, courier, staff, operator, separated by blanks
    #[arg(long, value_parser = scopes)]
    pub scope: String,
    /// How long it is good: 90s, 15m, 1h, 7d
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = time)]
    pub valid: Duration,
}

#[derive(Debug, ClapArgs)]
pub struct DevKeys {
    /// Where they are to be: jwks.json and signing-key.pem
    #[arg(long, value_name = "DIRECTORY")]
    pub dir: PathBuf,
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
    #[command(flatten)]
    pub credentials: Credentials,
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
    pub fn pair(&self, credentials: &Credentials) -> Option<Pair> {
        let (orders_url, deliveries_url) = (self.orders_url.clone()?, self.deliveries_url.clone()?);
        Some(Pair {
            urls: Urls { orders_url, deliveries_url, credentials: credentials.clone() },
            orders_database: self.orders_database.clone()?,
            deliveries_database: self.deliveries_database.clone()?,
            topics: None,
        })
    }
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Order-service's database: postgres://user:password@host:port/name. One of the two has to be named
    #[arg(
        long,
        env = "ORDERS_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        required_unless_present = "deliveries_database"
    )]
    pub orders_database: Option<String>,
    /// Delivery-service's database
    #[arg(long, env = "DELIVERIES_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub deliveries_database: Option<String>,
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

/// A number with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let unit = text.chars().next_back().and_then(|unit| {
        [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)].into_iter().find(|(name, _)| *name == unit)
    });
    let number = unit.and_then(|(name, _)| text.strip_suffix(name)?.parse::<u32>().ok());
    let seconds = unit.zip(number).map(|((_, seconds), number)| seconds * u64::from(number));
    seconds.map(Duration::from_secs).ok_or_else(|| "has to be a whole number and s, m, h or d".to_owned())
}

fn scopes(text: &str) -> Result<String, String> {
    let known = |word: &str| ALL_SCOPES.split(' ').any(|scope| scope == word);
    if text.split(' ').all(known) { Ok(text.to_owned()) } else { Err(format!("has to be some of {ALL_SCOPES}")) }
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

#[cfg(test)]
mod documented;

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use std::time::Duration;

    use super::{Args, Command};

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
    fn one_database_is_enough_for_verify() {
        let verify = |flags: &[&str]| Args::try_parse_from(["sagactl", "verify"].iter().chain(flags)).is_ok();
        assert!(verify(&["--orders-database=a"]) && verify(&["--deliveries-database=b"]));
        assert!(!verify(&[]), "of what?");
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_token_is_asked_for_with_known_scopes_and_a_time() {
        let token = |scope: &str, time: &str| {
            let flags =
                ["sagactl", "token", "--key=k", "--subject=ada", &format!("--scope={scope}"), &format!("--for={time}")];
            match Args::try_parse_from(flags).map(|args| args.command) {
                Ok(Command::Token(token)) => Some((token.scope, token.valid)),
                Ok(_) | Err(_) => None,
            }
        };
        for (time, seconds) in [("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800)] {
            let asked = Some(("customer staff".to_owned(), Duration::from_secs(seconds)));
            assert_eq!(token("customer staff", time), asked, "{time}");
        }
        for (scope, time) in [
            ("", "1h"),
            ("root", "1h"),
            ("customer,staff", "1h"),
            ("staff", ""),
            ("staff", "1"),
            ("staff", "h"),
            ("staff", "-1h"),
            ("staff", "1é"),
        ] {
            assert_eq!(token(scope, time), None, "{scope} for {time}");
        }
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
