//! Starts the delivery service.

use chassis::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    delivery_service::service().run(Settings::parse()).await
}
