//! A transaction of the service's own database, and what is announced in it.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    messaging::{Announced, HandOver},
    planted::{Point, crash_at},
};

/// A transaction of the service's own database. What is announced in it goes to the relay when it is committed, and only then.
#[derive(Debug)]
pub struct Tx<'a> {
    open: Transaction<'a, Postgres>,
    announced: Announced,
    relay: HandOver,
}

impl<'a> Tx<'a> {
    /// What is announced in this transaction is handed over to this relay.
    #[must_use]
    pub fn announcing_to(relay: &HandOver, open: Transaction<'a, Postgres>) -> Self {
        Self { open, announced: Announced::default(), relay: relay.clone() }
    }

    /// Commits, and hands over what was announced. Where an error leaves open what became of the commit, the relay finds it out: it
    /// looks into the outbox a few times a second.
    ///
    /// # Errors
    /// The database's. It may have committed all the same.
    pub async fn commit(self) -> sqlx::Result<()> {
        crash_at(Point::BeforeCommit);
        self.open.commit().await?;
        crash_at(Point::AfterCommit);
        self.relay.committed(self.announced);
        Ok(())
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// The database's; it is taken back then, too.
    pub async fn rollback(self) -> sqlx::Result<()> {
        self.open.rollback().await
    }

    pub(crate) fn announced(&mut self) -> &mut Announced {
        &mut self.announced
    }
}

/// A transaction that announces nothing, or whose announcements some relay will find in the outbox.
impl<'a> From<Transaction<'a, Postgres>> for Tx<'a> {
    fn from(open: Transaction<'a, Postgres>) -> Self {
        Self::announcing_to(&HandOver::default(), open)
    }
}

impl Deref for Tx<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.open
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.open
    }
}
