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
//!                         └─ offset stored after the commit, never before             (offsets)
//! ```
//!
//! A crash anywhere on the way costs a repeat, and the claim makes the second time change nothing.

mod apply;
mod complaints;
mod consumer;
mod gauges;
mod handover;
mod heard;
mod inbox;
pub mod kafka;
pub mod lane;
mod leader;
mod lookout;
mod marks;
mod offsets;
mod outbox;
mod parking;
mod progress;
mod record;
mod relay;
mod retries;
pub mod stuck;
pub mod topics;

pub use apply::{Applied, Inbox, Incoming, Reactions};
pub use consumer::Consumer;
pub use gauges::watch as watch_gauges;
pub(crate) use handover::Announced;
pub use handover::HandOver;
pub use heard::{Heard, HeldUp, heard_until, held_up};
pub use inbox::{Candidate, Claim, Outcome, Plan, Reason, plan};
pub use kafka::KafkaSettings;
pub use leader::{Standing, run as run_relay};
pub use lookout::{ConsumerView, Lookout, group};
pub use marks::{Mark, Marks, marks};
pub use outbox::{Outgoing, Wake, Wakes, announce, outbox_age};
pub use progress::{Progress, Standpoint};
pub use record::Record;
pub use relay::{Relay, Step};
pub use retries::Retries;
