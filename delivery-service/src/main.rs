//! Starts the delivery service.

use std::process::ExitCode;

use clap::Parser;
use delivery_service::settings::DeliverySettings;

fn main() -> ExitCode {
    let settings = DeliverySettings::parse();
    delivery_service::service(&settings).run(settings.service)
}
