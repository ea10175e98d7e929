use rdkafka::ClientConfig;
use tokio::sync::watch;

use super::*;
use crate::messaging::Progress;

fn record(offset: i64) -> Record {
    Record { topic: "orders".into(), partition: 0, offset, key: None, headers: Vec::new(), payload: None }
}

/// A poll thread whose channel has room for two, and what it hands on.
fn thread() -> (PollThread, mpsc::Receiver<Polled>) {
    let (sender, receiver) = mpsc::channel(2);
    let assignment = Assignment::new(watch::Sender::new(None), Progress::default());
    // Without a broker: nothing is ever polled.
    let client = ClientConfig::new().set("group.id", "nobody").create_with_context(assignment).expect("a client");
    let stop = CancellationToken::new();
    (PollThread::new(Arc::new(client), "orders".into(), sender, stop), receiver)
}

fn offsets(receiver: &mut mpsc::Receiver<Polled>) -> Vec<i64> {
    std::iter::from_fn(|| receiver.try_recv().ok()).map(|(_, record)| record.offset).collect()
}

#[tokio::test]
async fn nothing_overtakes_what_waits_for_room() {
    let (mut thread, mut receiver) = thread();
    (0..4).for_each(|offset| thread.offer((1, record(offset))));
    assert_eq!(thread.waiting.len(), 2, "there is room for two");
    assert_eq!(offsets(&mut receiver), [0, 1]);
    // Now there is room, but not for the last one first.
    thread.offer((1, record(4)));
    assert!(!thread.hand_over(Duration::ZERO).await, "there is room for two of three");
    assert_eq!(offsets(&mut receiver), [2, 3]);
    assert!(thread.hand_over(Duration::ZERO).await);
    assert_eq!(offsets(&mut receiver), [4]);
}

#[tokio::test]
async fn what_nobody_takes_any_more_keeps_nobody_waiting() {
    let (mut thread, receiver) = thread();
    (0..3).for_each(|offset| thread.offer((1, record(offset))));
    drop(receiver);
    assert!(thread.hand_over(Duration::from_secs(3_600)).await);
}
