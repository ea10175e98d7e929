//! The order side as a process.

use chassis::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    order_service::service().run(Settings::parse()).await
}
