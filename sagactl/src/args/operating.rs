//! What can be said to the commands with which an operator asks a service to do something.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use sagactl::services::Side;
use uuid::Uuid;

use super::{Parked, Reach, Replay};

/// What an operator asks a service to do. The service decides by its own rules, and writes down who asked, and why.
#[derive(Debug, Subcommand)]
pub enum Operate {
    /// Shows events that could not be applied, and gives one up where nothing else helps
    #[command(
        after_help = "Exit status: 0 shown or done, 2 it could not be.\n\nExamples:\n  sagactl parked groups\n  sagactl parked list --at deliveries --cause rejected,undecodable\n  \
sagactl parked list --at deliveries --error 'no courier for order …'\n  \
sagactl parked show --at deliveries ID"
    )]
    Parked(Parked),
    /// Replays parked events: first a rehearsal that freezes the set, then exactly that set
    #[command(
        after_help = "Exit status: 0 done, 1 something of the set could still not be applied, 2 it could not be asked for.\n\nExamples:\n  \
sagactl replay rehearse --at deliveries --cause rejected --reason 'the zone is there now'\n  sagactl replay start --at deliveries ID --reason 'as rehearsed'"
    )]
    Replay(Replay),
    /// Holds back a topic, an instance or one order for a while
    #[command(
        after_help = "Exit status: 0 done, 2 it could not be.\n\nExamples:\n  sagactl pause begin --at deliveries topic orders --for 15m --reason 'a wrong zone'\n  \
sagactl pause list\n  sagactl pause end --at deliveries ID --reason 'mended'"
    )]
    Pause(Pause),
    /// Announces again what a service has announced; a repeat changes nothing where it has arrived
    #[command(
        after_help = "Exit status: 0 it is in the outbox again, 2 it could not be asked for.\n\nExamples:\n  sagactl republish --at orders --order ID --reason 'it is on no topic'\n  \
sagactl republish --at orders --since 2026-12-01T00:00:00Z --reason 'the broker has lost its data'"
    )]
    Republish(Republish),
    /// Shows what operators did, the youngest first
    #[command(after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl actions --most 20")]
    Actions(Actions),
}

/// Which service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum At {
    /// Order-service
    Orders,
    /// Delivery-service
    Deliveries,
}

impl From<At> for Side {
    fn from(at: At) -> Self {
        match at {
            At::Orders => Side::OrderService,
            At::Deliveries => Side::DeliveryService,
        }
    }
}

/// What all of these need to know.
#[derive(Debug, Clone, ClapArgs)]
pub struct Desk {
    #[command(flatten)]
    pub reach: Reach,
    /// Print the answers as JSON, one document for each service
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Pause {
    #[command(subcommand)]
    pub what: PauseCommand,
    #[command(flatten)]
    pub desk: Desk,
}

/// What can be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Held {
    /// One instance applies nothing; its name is its instance id
    Consumer,
    /// A topic, `orders` or `deliveries`: the service that reads it applies nothing, the one that writes it sends nothing
    Topic,
    /// Nothing is applied of one order; its name is its id
    Order,
}

#[derive(Debug, Subcommand)]
pub enum PauseCommand {
    /// Holds something back for a while
    #[command(
        after_help = "Exit status: 0 it is held back, 2 it could not be.\n\nExamples:\n  sagactl pause begin --at deliveries topic orders --for 15m --reason 'a wrong zone'\n  sagactl pause begin --at orders order ID --for 1h --reason 'somebody looks at it'"
    )]
    Begin {
        /// At which service
        #[arg(long)]
        at: At,
        /// What is held back
        what: Held,
        /// An instance, a topic, or an order's id
        name: String,
        /// How long: 90s, 15m, 1h, 7d
        #[arg(long = "for", value_name = "TIME", value_parser = super::time)]
        length: Duration,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Lets it go on
    #[command(
        after_help = "Exit status: 0 it goes on, 2 it could not be asked for.\n\nExample:\n  sagactl pause end --at deliveries ID --reason 'mended'"
    )]
    End {
        /// At which service
        #[arg(long)]
        at: At,
        /// The pause's id
        id: Uuid,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// What is held back, and what was
    #[command(after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl pause list --all")]
    List {
        /// Only at this service
        #[arg(long)]
        at: Option<At>,
        /// Also what has ended
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Republish {
    /// At which service
    #[arg(long)]
    pub at: At,
    /// The events of this order
    #[arg(long, required_unless_present = "since", conflicts_with = "since")]
    pub order: Option<Uuid>,
    /// Only this one of them
    #[arg(long, requires = "order")]
    pub version: Option<i64>,
    /// Everything from this moment on: 2026-12-01T08:00:00Z
    #[arg(long)]
    pub since: Option<DateTime<Utc>>,
    /// Until this one
    #[arg(long, requires = "since")]
    pub until: Option<DateTime<Utc>>,
    /// Why
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub desk: Desk,
}

#[derive(Debug, ClapArgs)]
pub struct Actions {
    /// Only at this service
    #[arg(long)]
    pub at: Option<At>,
    /// How many at most
    #[arg(long, default_value_t = 50)]
    pub most: usize,
    #[command(flatten)]
    pub desk: Desk,
}
