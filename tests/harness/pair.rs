//! Both services as processes on one environment.

use anyhow::ensure;
use sqlx::PgPool;

use crate::{Env, Keys, PATIENCE, Service, Shop, books, eventually};

/// The pair, with its own databases and topics.
// The order of the fields is the order in which they are dropped: the services before what they use.
pub struct Pair {
    /// order-service.
    pub orders: Service,
    /// delivery-service.
    pub deliveries: Service,
    /// What they stand on.
    pub env: Env,
}

impl Pair {
    /// Starts both, and waits until they are ready.
    pub async fn start(env: Env) -> Self {
        let (orders, deliveries) = tokio::join!(env.order_service().start(), env.delivery_service().start());
        Self { orders, deliveries, env }
    }

    /// The same, and both ask for tokens that are signed with these keys.
    pub async fn start_guarded(env: Env, keys: &Keys) -> Self {
        let (orders, deliveries) =
            (env.order_service().guarded(&keys.flags()), env.delivery_service().guarded(&keys.flags()));
        let (orders, deliveries) = tokio::join!(orders.start(), deliveries.start());
        Self { orders, deliveries, env }
    }

    /// A client of both. Keep it within one test: its connections belong to the test's runtime.
    #[must_use]
    pub fn shop(&self) -> Shop {
        Shop::new(self.orders.url(), self.deliveries.url())
    }

    /// Connections to the databases of order-service and of delivery-service.
    #[must_use]
    pub fn pools(&self) -> (PgPool, PgPool) {
        (self.env.pool(self.env.orders_database()), self.env.pool(self.env.deliveries_database()))
    }

    /// Waits until nothing is on its way any more, and checks that the books of both sides agree: by the operator's `verify`,
    /// and by sums of our own.
    ///
    /// # Panics
    /// When they do not, naming everything that is wrong.
    pub async fn settles(&self) {
        let (orders, deliveries) = self.pools();
        eventually("nothing is on its way any more", PATIENCE, async || {
            let under_way = books::under_way(&orders, &deliveries).await?;
            ensure!(under_way.is_empty(), "{under_way:?}");
            anyhow::Ok(())
        })
        .await;
        let report = sagactl::verify::check(&orders, &deliveries, sagactl::verify::Options::default()).await;
        let report = report.expect("both databases can be looked at");
        assert!(report.holds(), "{:#?}", report.findings);
        let wrong = books::complaints(&orders, &deliveries).await.expect("the books can be read");
        assert!(
            wrong.is_empty(),
            "{} complaints, the first of them: {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(20)]
        );
    }
}
