//! Two consumers on one partition: a zombie that does not know yet that it was replaced.

use std::{collections::HashMap, sync::Arc};

use anyhow::Result;
use chassis::messaging::Record;
use shared_events::OrderId;
use tests::{TestInbox, TestReactions, fresh_order};
use tokio::sync::Barrier;

use super::{Receiver, completed};

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_heals_though_its_predecessor_is_applied_at_the_same_moment() -> Result<()> {
    // On a lane that nothing is known of, and on one that has begun: what holds the two apart is another lock.
    for first in [1, 2] {
        a_gap_heals_behind(first).await?;
    }
    Ok(())
}

async fn a_gap_heals_behind(first: i64) -> Result<()> {
    const TIMES: usize = 300;
    let mut receiver = Receiver::new("gaprace").await;
    let orders: Vec<_> = (0..TIMES).map(|_| fresh_order()).collect();
    for order in &orders {
        let before = receiver.records(*order, 1..first);
        receiver.inbox.apply(&before).await;
    }
    let lanes: Vec<_> = orders.iter().map(|order| receiver.records(*order, first..=first + 1)).collect();
    let barrier = Arc::new(Barrier::new(2));
    // Each of the two applies its half of every lane, both at the same moment.
    let halves = [0, 1].map(|half| {
        let records: Vec<_> = lanes.iter().map(|lane| lane[half].clone()).collect();
        let (twin, barrier) = (receiver.inbox.twin(&receiver.env), barrier.clone());
        tokio::spawn(async move {
            for record in records {
                barrier.wait().await;
                twin.inbox.apply(&[record]).await?;
            }
            anyhow::Ok(())
        })
    });
    for half in halves {
        half.await??;
    }
    receiver.retry_what_is_due().await?;

    let applied = by_order(&receiver).await;
    for order in orders {
        assert_eq!(applied[&order], (1..=first + 1).collect::<Vec<_>>(), "order {order}");
    }
    let parked = receiver.parked().await;
    assert!(parked.iter().all(|parked| parked.state() == ("gap", "applied")), "{parked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_event_that_two_apply_at_the_same_moment_is_applied_by_one() -> Result<()> {
    const TIMES: usize = 200;
    let mut receiver = Receiver::new("firstrace").await;
    let records: Vec<_> = (0..TIMES).map(|_| receiver.record(&completed(fresh_order(), 1))).collect();
    let barrier = Arc::new(Barrier::new(2));
    let twins = [receiver.inbox.twin(&receiver.env), receiver.inbox.twin(&receiver.env)].map(|twin| {
        let (records, barrier) = (records.clone(), barrier.clone());
        tokio::spawn(async move {
            for record in records {
                barrier.wait().await;
                twin.inbox.apply(&[record]).await?;
            }
            anyhow::Ok(())
        })
    });
    for twin in twins {
        twin.await??;
    }
    assert_eq!(receiver.inbox.applied().await?, i64::try_from(TIMES)?);
    Ok(())
}

const ORDERS: usize = 500;
const VERSIONS: i64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn two_consumers_of_one_partition_lose_nothing_double_nothing_and_keep_the_order() -> Result<()> {
    let mut receiver = Receiver::new("zombie").await;
    let partition = Arc::new(partition(&mut receiver));
    let third = partition.len() / 3;
    // One of them begins in the middle, finds nothing but gaps, and reads the beginning last.
    let reading = [vec![(0, partition.len())], vec![(third, partition.len()), (0, third)]].map(|ranges| {
        let (twin, partition) = (receiver.inbox.twin(&receiver.env), partition.clone());
        tokio::spawn(async move {
            let mut dice = Dice(7 + ranges.len() as u64);
            for (from, to) in ranges {
                read(&twin, &partition[from..to], &mut dice).await?;
            }
            anyhow::Ok(())
        })
    });
    for reader in reading {
        reader.await??;
    }
    receiver.retry_what_is_due().await?;

    let applied = by_order(&receiver).await;
    assert_eq!(applied.len(), ORDERS, "orders are lost");
    for (order, versions) in applied {
        assert_eq!(versions, (1..=VERSIONS).collect::<Vec<_>>(), "order {order}");
    }
    let waiting = receiver.parked().await.into_iter().filter(|parked| parked.resolution.is_none()).count();
    assert_eq!(waiting, 0, "something is still parked");
    Ok(())
}

/// 5,000 events, the lanes of all orders interleaved, and one in eleven repeated some records later.
fn partition(receiver: &mut Receiver) -> Vec<Record> {
    let mut dice = Dice(42);
    let orders: Vec<_> = (0..ORDERS).map(|_| fresh_order()).collect();
    let mut next = vec![1; ORDERS];
    let mut records: Vec<Record> = Vec::new();
    while next.iter().any(|version| *version <= VERSIONS) {
        let chosen = dice.below(ORDERS);
        if next[chosen] <= VERSIONS {
            let version = next[chosen];
            next[chosen] += 1;
            records.push(receiver.record(&completed(orders[chosen], version)));
        }
        if dice.below(11) == 0 && !records.is_empty() {
            let back = dice.below(records.len().min(100)) + 1;
            let repeat = receiver.place(records[records.len() - back].clone());
            records.push(repeat);
        }
    }
    records
}

/// Reads in batches of any size, and now and then again from some records back, as after a rebalance.
async fn read(twin: &TestInbox, partition: &[Record], dice: &mut Dice) -> Result<()> {
    let mut position = 0;
    while position < partition.len() {
        let end = (position + 1 + dice.below(200)).min(partition.len());
        twin.inbox.apply(&partition[position..end]).await?;
        let rewind = if dice.below(5) == 0 { dice.below(300) } else { 0 };
        position = end.saturating_sub(if end < partition.len() { rewind.min(end - position) } else { 0 });
    }
    Ok(())
}

async fn by_order(receiver: &Receiver) -> HashMap<OrderId, Vec<i64>> {
    let mut orders: HashMap<_, Vec<_>> = HashMap::new();
    for row in TestReactions::applied(&receiver.inbox.pool).await {
        orders.entry(OrderId(row.order_id)).or_default().push(row.version);
    }
    orders
}

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("fewer sides than a usize has numbers")
    }
}
