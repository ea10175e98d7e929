//! How a service speaks HTTP: its own accept loop, the layers that every request passes, and refusals as problem documents.

mod answer;
mod body;
mod compression;
mod conditional;
mod extract;
mod filters;
mod form;
pub mod health;
pub mod idempotency;
pub mod journey;
pub mod later;
pub mod layers;
pub mod lookout;
pub mod metrics;
mod page;
mod parameters;
mod problem;
pub mod server;
pub mod stuck;
mod task;
mod texts;

pub use answer::Answer;
pub use extract::{Caller, IdempotencyKey, Path};
pub use filters::{Flagged, Period};
pub use form::Form;
pub use later::Later;
pub use page::Page;
pub use parameters::Parameters;
pub use problem::Problem;
pub use task::in_a_task_of_its_own;
pub use texts::{Country, Day, Name, names};
