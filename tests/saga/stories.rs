//! What can become of an order, told over HTTP with both services running: nobody looks behind the scenes but to check.

mod attempts;
mod cancelled;
mod delivered;
mod journeys;
mod options;
mod race;
mod records;
mod refused;
mod story;
