//! What is done to the pair.

use serde::{Deserialize, Serialize};
use shared_events::{EventKind, Topic};

/// One of the two services, with its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Orders,
    Deliveries,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Orders, Self::Deliveries];

    /// The service's name.
    pub fn service(self) -> &'static str {
        match self {
            Self::Orders => "order-service",
            Self::Deliveries => "delivery-service",
        }
    }

    /// The topic that only it writes to.
    pub fn announces_on(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Deliveries => "deliveries",
        }
    }

    /// What stands in its events as their source.
    pub fn source(self) -> &'static str {
        match self {
            Self::Orders => Topic::Orders.source(),
            Self::Deliveries => Topic::Deliveries.source(),
        }
    }

    /// What it announces first about an order.
    pub fn first_event(self) -> &'static str {
        match self {
            Self::Orders => EventKind::OrderCompleted.name(),
            Self::Deliveries => EventKind::DeliveryCreated.name(),
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Orders => Self::Deliveries,
            Self::Deliveries => Self::Orders,
        }
    }

    pub fn index(self) -> usize {
        match self {
            Self::Orders => 0,
            Self::Deliveries => 1,
        }
    }
}

/// What a service is cut off from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    Broker,
    Database,
}

/// How it is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Everything is swallowed, without a word.
    Vanishes,
    /// Connections are reset, and so is each new one.
    IsRefused,
    /// Each piece is so many milliseconds late.
    Dawdles { ms: u64 },
    /// Each connection is cut after so many bytes of answers.
    AnswersBreakOff { bytes: usize },
    /// Each connection is cut after so many bytes of questions.
    QuestionsBreakOff { bytes: usize },
    /// So many COMMITs never arrive. Between a service and its database only.
    SwallowsCommits { questions: usize },
    /// The answers to so many COMMITs are lost. Between a service and its database only.
    LosesCommits { answers: usize },
}

/// Where a process can be made to end by itself, as it is named there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    LanesLocked,
    Claimed,
    BeforeCommit,
    AfterCommit,
    BeforeOffsets,
    AfterOffsets,
    Given,
    Acknowledged,
    Deleted,
    Revoked,
    Stopping,
}

impl Point {
    pub const ALL: [Self; 11] = [
        Self::LanesLocked,
        Self::Claimed,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeOffsets,
        Self::AfterOffsets,
        Self::Given,
        Self::Acknowledged,
        Self::Deleted,
        Self::Revoked,
        Self::Stopping,
    ];

    /// As both services know it, and as the report says it.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::LanesLocked => ("lanes-locked", "crash with lanes locked"),
            Self::Claimed => ("claimed", "crash after the claim"),
            Self::BeforeCommit => ("before-commit", "crash before a commit"),
            Self::AfterCommit => ("after-commit", "crash after a commit"),
            Self::BeforeOffsets => ("before-offsets", "crash before storing offsets"),
            Self::AfterOffsets => ("after-offsets", "crash after storing offsets"),
            Self::Given => ("given", "crash after giving an event to Kafka's client"),
            Self::Acknowledged => ("acknowledged", "crash after the broker's acknowledgement"),
            Self::Deleted => ("deleted", "crash after deleting a pointer"),
            Self::Revoked => ("revoked", "crash while giving up partitions"),
            Self::Stopping => ("stopping", "crash while stopping"),
        }
    }
}

/// How records are sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeated {
    /// In the order in which they lie there.
    AsItWas,
    /// The last one first.
    Backwards,
}

/// What becomes of records before they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    /// They are gone.
    Dropped,
    /// The last one comes first.
    Overtaken,
}

/// A fault, with everything that was drawn for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum Fault {
    /// SIGKILL.
    ServiceKilled { side: Side, instance: usize, down_ms: u64 },
    /// SIGKILL to the instance whose relay leads.
    LeaderKilled { side: Side, down_ms: u64 },
    /// SIGKILL to an instance that could not reach its database for a while.
    KilledWhileCutOff { side: Side, instance: usize, cut_off_ms: u64 },
    /// SIGKILL to the instance whose relay leads, when it could not reach the broker for a while.
    LeaderKilledWhileCutOff { side: Side, cut_off_ms: u64 },
    /// SIGSTOP, and SIGCONT afterwards.
    ServicePaused { side: Side, instance: usize, for_ms: u64 },
    /// SIGTERM.
    ServiceStopped { side: Side, instance: usize },
    /// SIGKILL to the broker, or to so many of them at once, from this one on.
    BrokerKilled { first: usize, count: usize, down_ms: u64 },
    /// SIGSTOP to the broker, or to one of them.
    BrokerPaused { node: usize, for_ms: u64 },
    /// The broker loses everything it had.
    BrokerWiped,
    /// An orderly restart of the broker, or of one after the other.
    BrokerRestarted,
    /// SIGKILL to the postmaster of both databases.
    DatabaseKilled { down_ms: u64 },
    /// All connections of both services to their databases are terminated.
    BackendsCut,
    /// There is no room left on the disk that both databases are on.
    DiskFull { for_ms: u64 },
    /// One service cannot reach something for a while.
    CutOff { side: Side, from: From, how: How, for_ms: u64 },
    /// What this side has announced is sent once more by somebody else.
    Repeats { side: Side, how: Repeated, records: u64, drawn: u64 },
    /// Somebody writes what nobody can read to where this side announces.
    Poison { side: Side, records: u64, drawn: u64 },
    /// The same, very much of it at once; it is over when all of it is parked.
    Flood { side: Side, records: u64, drawn: u64 },
    /// Nobody reads what this side announces for a while, and then it has become something else.
    Unread { side: Side, how: Unread, for_ms: u64 },
    /// The offsets of this side's consumers are gone: they read from the beginning.
    OffsetsDeleted { side: Side },
    /// All instances of a service end by themselves, when they come to this point for the so-manieth time.
    CrashAt { side: Side, point: Point, pass: u64 },
    /// The clock of all instances of a service jumps by so many seconds, and back again.
    ClockJumps { side: Side, by_s: i64, for_ms: u64 },
    /// A service that begins with an empty database is killed when it has made so many steps of its tables.
    KilledWhileMigrating { side: Side, steps: i64 },
    /// Further instances of a service come and go together, and partitions with them.
    Rebalances { side: Side, instances: usize },
}

impl Fault {
    /// Its kind: one line of the report.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ServiceKilled { .. } => "service killed",
            Self::LeaderKilled { .. } => "relay leader killed",
            Self::KilledWhileCutOff { .. } => "service killed while cut off from its database",
            Self::LeaderKilledWhileCutOff { .. } => "relay leader killed while cut off from the broker",
            Self::ServicePaused { .. } => "service paused",
            Self::ServiceStopped { .. } => "service stopped under load",
            Self::BrokerKilled { count: 1, .. } => "broker killed",
            Self::BrokerKilled { .. } => "several brokers killed at once",
            Self::BrokerPaused { .. } => "broker paused",
            Self::BrokerWiped => "broker wiped",
            Self::BrokerRestarted => "broker restarted",
            Self::DatabaseKilled { .. } => "PostgreSQL killed",
            Self::DiskFull { .. } => "disk full",
            Self::BackendsCut => "database connections terminated",
            Self::CutOff { from: From::Broker, .. } => "partition from the broker",
            Self::CutOff { from: From::Database, how: How::LosesCommits { .. }, .. } => "answers to COMMIT lost",
            Self::CutOff { from: From::Database, how: How::SwallowsCommits { .. }, .. } => "COMMITs lost",
            Self::CutOff { from: From::Database, .. } => "partition from the database",
            Self::Repeats { how: Repeated::AsItWas, .. } => "records repeated",
            Self::Repeats { how: Repeated::Backwards, .. } => "records repeated backwards",
            Self::Poison { .. } => "poison",
            Self::Flood { .. } => "flood of poison",
            Self::Unread { how: Unread::Dropped, .. } => "records dropped before they were read",
            Self::Unread { how: Unread::Overtaken, .. } => "records overtaken before they were read",
            Self::OffsetsDeleted { .. } => "offsets deleted",
            Self::CrashAt { point, .. } => point.names().1,
            Self::ClockJumps { .. } => "clock jumps",
            Self::KilledWhileMigrating { .. } => "service killed in the middle of its migrations",
            Self::Rebalances { .. } => "instances come and go",
        }
    }

    /// The service that it strikes, if it strikes only one.
    pub fn side(&self) -> Option<Side> {
        match *self {
            Self::ServiceKilled { side, .. }
            | Self::LeaderKilled { side, .. }
            | Self::KilledWhileCutOff { side, .. }
            | Self::LeaderKilledWhileCutOff { side, .. }
            | Self::ServicePaused { side, .. }
            | Self::ServiceStopped { side, .. }
            | Self::CutOff { side, .. }
            | Self::Repeats { side, .. }
            | Self::Poison { side, .. }
            | Self::Flood { side, .. }
            | Self::Unread { side, .. }
            | Self::OffsetsDeleted { side }
            | Self::CrashAt { side, .. }
            | Self::ClockJumps { side, .. }
            | Self::KilledWhileMigrating { side, .. }
            | Self::Rebalances { side, .. } => Some(side),
            Self::BrokerKilled { .. }
            | Self::BrokerPaused { .. }
            | Self::BrokerWiped
            | Self::BrokerRestarted
            | Self::DatabaseKilled { .. }
            | Self::BackendsCut
            | Self::DiskFull { .. } => None,
        }
    }
}
