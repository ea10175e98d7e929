//! What can be said of events that could not be applied.

use clap::{Args as ClapArgs, Subcommand};
use uuid::Uuid;

use super::{At, Desk};

#[derive(Debug, ClapArgs)]
pub struct Parked {
    #[command(subcommand)]
    pub what: ParkedCommand,
    #[command(flatten)]
    pub desk: Desk,
}

/// What a group has in common besides its cause.
#[derive(Debug, ClapArgs)]
pub struct Alike {
    /// Those of this type: OrderCompleted
    #[arg(long, value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Those with this error, just as `parked groups` shows it
    #[arg(long)]
    pub error: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum ParkedCommand {
    /// What waits, by cause, event and error, the most first
    #[command(
        after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl parked groups --at deliveries"
    )]
    Groups {
        /// Only at this service
        #[arg(long)]
        at: Option<At>,
    },
    /// Parked events, the oldest first
    #[command(
        after_help = "Exit status: 0 shown, 2 it could not be.\n\nExamples:\n  sagactl parked list --at deliveries --cause rejected,undecodable\n  sagactl parked list --order ID --state all --json"
    )]
    List {
        /// Only at this service
        #[arg(long)]
        at: Option<At>,
        /// Only for these causes
        #[arg(long, value_delimiter = ',', value_name = "CAUSE,…")]
        cause: Vec<String>,
        #[command(flatten)]
        alike: Alike,
        /// Only of this order
        #[arg(long)]
        order: Option<Uuid>,
        /// waiting, resting (waiting, and tried no more), resolved, or all
        #[arg(long, default_value = "waiting")]
        state: String,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        most: usize,
    },
    /// One of them: headers, payload, error, and what waits behind it
    #[command(
        after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl parked show --at deliveries ID"
    )]
    Show {
        /// At which service
        #[arg(long)]
        at: At,
        /// The parked event's id
        id: Uuid,
    },
    /// Gives up an order's first event that can never be applied: the order is cancelled, the money goes back
    #[command(
        after_help = "Exit status: 0 done, 2 it could not be.\n\nExample:\n  sagactl parked give-up ID --reason 'nobody lives there'"
    )]
    GiveUp {
        /// The parked event's id, at delivery-service
        id: Uuid,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Replay {
    #[command(subcommand)]
    pub what: ReplayCommand,
    #[command(flatten)]
    pub desk: Desk,
}

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Says what would become of parked events, and freezes the set; nothing is replayed
    #[command(
        after_help = "Exit status: 0 the set is frozen, 2 it could not be.\n\nExamples:\n  sagactl replay rehearse --at deliveries --cause rejected --reason 'the zone is there now'\n  sagactl replay rehearse --at orders --event ID,ID --reason 'a look'"
    )]
    Rehearse {
        /// At which service
        #[arg(long)]
        at: At,
        /// These parked events
        #[arg(long, value_delimiter = ',', value_name = "ID,…")]
        event: Vec<Uuid>,
        /// All that wait for this cause
        #[arg(long)]
        cause: Option<String>,
        #[command(flatten)]
        alike: Alike,
        /// All that wait of this order
        #[arg(long)]
        order: Option<Uuid>,
        /// How many events a second, once it is started
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        per_second: u16,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Replays a frozen set, and waits until it is done
    #[command(
        after_help = "Exit status: 0 done, 1 something of the set could still not be applied, 2 it could not be asked for.\n\nInterrupted, it goes on by itself: see replay show.\n\nExample:\n  sagactl replay start --at deliveries ID --reason 'as rehearsed'"
    )]
    Start {
        /// At which service
        #[arg(long)]
        at: At,
        /// The set's id
        id: Uuid,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// A set, with what was rehearsed and what became of it
    #[command(
        after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl replay show --at deliveries ID"
    )]
    Show {
        /// At which service
        #[arg(long)]
        at: At,
        /// The set's id
        id: Uuid,
    },
    /// All sets, the youngest first
    #[command(
        after_help = "Exit status: 0 shown, 2 it could not be.\n\nExample:\n  sagactl replay list --at deliveries"
    )]
    List {
        /// Only at this service
        #[arg(long)]
        at: Option<At>,
    },
}
