//! Starts the delivery service.

use std::process::ExitCode;

use chassis::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    delivery_service::service().run(Settings::parse()).await
}
