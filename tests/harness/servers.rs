//! One PostgreSQL server and one Kafka broker for all tests of a run; and others for those tests that stop theirs.

use anyhow::Result;
use devstack::{Binaries, Kafka, KafkaOptions, Postgres, Progress};
use tokio::sync::{Mutex, OnceCell};

/// A server and a broker. They are our own, whatever the environment names: tests make and break things.
pub struct Servers {
    /// Locked while a database is made, or while the server is stopped and started.
    pub postgres: Mutex<Postgres>,
    /// Locked while the broker is stopped and started.
    pub kafka: Mutex<Kafka>,
    pub(crate) bootstrap: String,
}

impl Servers {
    /// Starts both at the same time.
    ///
    /// # Errors
    /// A sentence that says what is missing on this machine.
    pub async fn start() -> Result<Self> {
        let progress = Progress::hidden();
        let options = KafkaOptions { heap_mb: 384, ..KafkaOptions::default() };
        let (postgres, kafka) =
            tokio::try_join!(Postgres::start_own(&progress), Kafka::start_own(&options, &progress))?;
        let bootstrap = kafka.bootstrap().to_owned();
        Ok(Self { postgres: Mutex::new(postgres), kafka: Mutex::new(kafka), bootstrap })
    }

    /// The ones that all tests share. Whoever comes first starts them.
    pub(crate) async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Servers> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }
}

/// Both services' executables, built once.
pub(crate) async fn binaries() -> Result<&'static Binaries> {
    static BINARIES: OnceCell<Binaries> = OnceCell::const_new();
    BINARIES.get_or_try_init(|| async { devstack::binaries(&Progress::hidden()).await }).await
}
