//! The life of an event, from one side's change to the other's.
//!
//! ```text
//!   a change          load → decide or react → save
//!                         │ one transaction: rows, event_log, outbox                 (outbox)
//!   committed ────────────┤ an order's first event is handed over                    (handover)
//!                         ▼
//!   relay             lowest version of each order → Kafka → ack → pointer deleted     (relay, leader)
//!                         │ key = order id
//!  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ Kafka ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─
//!                         ▼
//!   consumer          what is there, up to 1,000 records                              (consumer, record)
//!                         ▼
//!   inbox             plan by version → claim → react → park, release → commit         (inbox, apply, parking, retries)
//!                         │
//!                         ├─ what rests is also told to a topic of its own            (dead_letters)
//!                         └─ offset stored after the commit, never before             (offsets)
//! ```
//!
//! An operator may hold back what is read, what is sent, or one order (pauses), and look what would become of a parked event
//! (rehearsal).
//!
//! A crash anywhere on the way costs a repeat, and the claim makes the second time change nothing.

mod apply;
mod complaints;
mod consumer;
pub mod dead_letters;
mod gauges;
mod handover;
mod heard;
mod inbox;
pub mod kafka;
pub(crate) mod kept;
pub mod lane;
mod leader;
mod lookout;
mod marks;
mod offsets;
mod outbox;
mod parking;
pub mod pauses;
mod progress;
mod reactions;
mod reader;
pub mod recall;
mod record;
mod rehearsal;
mod relay;
mod retries;
pub mod stuck;
pub mod topics;

pub use apply::{Applied, Inbox};
pub use consumer::Consumer;
pub use dead_letters::DeadLetters;
pub use gauges::watch as watch_gauges;
pub(crate) use handover::Announced;
pub use handover::HandOver;
pub use heard::{Heard, HeldUp, heard_until, held_up};
pub use inbox::{Candidate, Claim, Outcome, Plan, Reason, plan};
pub use kafka::KafkaSettings;
pub use leader::{Leader, Standing};
pub use lookout::{ConsumerView, Lookout, group};
pub use marks::{Mark, Marks, marks};
pub use outbox::{Outgoing, Wake, Wakes, announce, outbox_age};
pub use parking::CAUSES;
pub use pauses::{Names, Paused, Pauses};
pub use progress::{Progress, Standpoint};
pub use reactions::{Effect, Incoming, Reactions};
pub use reader::{Reader, Seen};
pub use record::Record;
pub use rehearsal::{GiveUp, Rehearsed, Verdict, lanes};
pub use relay::{Flights, Relay, Step};
pub use retries::Retries;
