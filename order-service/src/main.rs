//! The order side as a process.

use std::process::ExitCode;

use clap::Parser;
use order_service::settings::OrderSettings;

fn main() -> ExitCode {
    let settings = OrderSettings::parse();
    order_service::service(&settings).run(settings.service)
}
