//! The order side as a process.

use std::process::ExitCode;

use chassis::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    order_service::service().run(Settings::parse()).await
}
