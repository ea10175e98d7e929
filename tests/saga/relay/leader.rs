//! One relay of a service leads, the others stand by.

use anyhow::{Context, Result, ensure};
use chassis::{
    Tx,
    messaging::{self, HandOver, Leader, Outgoing, Standing},
};
use shared_events::OrderId;
use sqlx::{PgPool, postgres::PgListener};
use tests::{PATIENCE, eventually, eventually_is, fresh_order};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Outbox, event, repeats_and_disorder};

/// The relay of one instance of a service, at work.
struct Instance {
    handed_over: HandOver,
    standing: watch::Receiver<Standing>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Instance {
    fn start(outbox: &Outbox) -> Self {
        let (handed_over, stop) = (HandOver::default(), CancellationToken::new());
        let (sender, standing) = watch::channel(Standing::Down);
        let pool = outbox.connections(3);
        let relay = outbox.relay_told_by(pool.clone(), handed_over.clone());
        let leader = Leader { relay, pool, handed_over: handed_over.clone(), standing: sender };
        let task = tokio::spawn(leader.run(stop.clone()));
        Self { handed_over, standing, stop, task }
    }

    async fn becomes(&self, standing: Standing) {
        eventually_is("the relay stands as it should", PATIENCE, standing, async || Ok(*self.standing.borrow())).await;
    }

    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

async fn terminate_the_leader(pool: &PgPool) -> Result<()> {
    let terminate = "select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and granted
                     and database = (select oid from pg_database where datname = current_database())";
    let terminated: i64 = sqlx::query_scalar(terminate).fetch_one(pool).await?;
    ensure!(terminated == 1, "{terminated} connections held the lock");
    Ok(())
}

async fn arrives(outbox: &Outbox, order: OrderId) {
    eventually("the event arrives", PATIENCE, async || {
        outbox.lanes().await.contains_key(&order).then_some(()).context("not there yet")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_relays_leads_and_the_other_takes_over_when_it_stops() -> Result<()> {
    let outbox = Outbox::new("takeover", 1).await;
    let first = Instance::start(&outbox);
    first.becomes(Standing::Leading).await;
    let second = Instance::start(&outbox);
    second.becomes(Standing::StandingBy).await;

    let order = fresh_order();
    outbox.announce(order, 1).await?;
    first.handed_over.wake();
    arrives(&outbox, order).await;

    first.stop().await?;
    second.becomes(Standing::Leading).await;
    let order = fresh_order();
    outbox.announce(order, 1).await?;
    second.handed_over.wake();
    arrives(&outbox, order).await;
    assert_eq!(repeats_and_disorder(&outbox.lanes().await), (0, 0));
    second.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_leaders_lock_is_taken_away_again_and_again() -> Result<()> {
    let outbox = Outbox::new("lockaway", 3).await;
    let instances = [Instance::start(&outbox), Instance::start(&outbox)];
    let mut orders = Vec::new();
    for _ in 0..5 {
        eventually("somebody leads", PATIENCE, async || terminate_the_leader(&outbox.pool).await).await;
        for _ in 0..20 {
            let order = fresh_order();
            outbox.announce(order, 1).await?;
            outbox.announce(order, 2).await?;
            instances[orders.len() % 2].handed_over.wake();
            orders.push(order);
        }
    }
    eventually_is("everything has gone out", PATIENCE, vec![], async || outbox.unsent().await).await;
    eventually("one leads and one stands by", PATIENCE, async || {
        let standings = instances.each_ref().map(|instance| *instance.standing.borrow());
        match standings {
            [Standing::Leading, Standing::StandingBy] | [Standing::StandingBy, Standing::Leading] => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let lanes = outbox.lanes().await;
    assert_eq!(lanes.len(), orders.len());
    assert_eq!(repeats_and_disorder(&lanes).1, 0);
    for instance in instances {
        instance.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stands_by_tells_the_leader_what_was_committed_beside_it() -> Result<()> {
    let outbox = Outbox::new("standbytells", 1).await;
    let leader = Instance::start(&outbox);
    leader.becomes(Standing::Leading).await;
    let standby = Instance::start(&outbox);
    standby.becomes(Standing::StandingBy).await;
    let mut overheard = PgListener::connect(outbox.env.orders_database()).await?;
    overheard.listen("outbox").await?;

    let order = fresh_order();
    outbox.announce(order, 1).await?;
    standby.handed_over.wake();
    tokio::time::timeout(PATIENCE, overheard.recv()).await.context("nobody told the leader")??;
    arrives(&outbox, order).await;
    leader.stop().await?;
    standby.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_to_a_relay_that_stands_by_goes_out_by_the_leader_and_never_again() -> Result<()> {
    let outbox = Outbox::new("handedtostandby", 1).await;
    let leader = Instance::start(&outbox);
    leader.becomes(Standing::Leading).await;
    let standby = Instance::start(&outbox);
    standby.becomes(Standing::StandingBy).await;
    let announce = async || -> Result<OrderId> {
        let order = fresh_order();
        let mut tx = Tx::announcing_to(&standby.handed_over, outbox.pool.begin().await?);
        messaging::announce(&mut tx, &[Outgoing::New(event(order, 1))]).await?;
        tx.commit().await?;
        Ok(order)
    };
    arrives(&outbox, announce().await?).await;
    eventually_is("its pointer is gone", PATIENCE, vec![], async || outbox.unsent().await).await;

    leader.stop().await?;
    standby.becomes(Standing::Leading).await;
    arrives(&outbox, announce().await?).await;
    assert_eq!(repeats_and_disorder(&outbox.lanes().await), (0, 0));
    standby.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_nobody_woke_finds_what_was_committed_all_the_same() -> Result<()> {
    let outbox = Outbox::new("unwoken", 1).await;
    let relay = Instance::start(&outbox);
    relay.becomes(Standing::Leading).await;
    let order = fresh_order();
    outbox.announce(order, 1).await?;
    arrives(&outbox, order).await;
    relay.stop().await
}
