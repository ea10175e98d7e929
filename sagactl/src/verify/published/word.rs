//! What can be said about an order, and what may follow what: the delivery's table and the order's, as far as a topic shows them.

use std::fmt;

use shared_events::{DeliveryFailed, Event};

/// One thing said about an order. A failure of a delivery is another one at each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::verify) enum Word {
    OrderCompleted,
    OrderCancelled,
    Created,
    FailedAtCreation,
    FailedInFulfilment,
    FailedInTransit,
    Cancelled,
    Dispatched,
    Completed,
}

impl Word {
    pub fn of(event: &Event) -> Self {
        match event {
            Event::OrderCompleted(_) => Word::OrderCompleted,
            Event::OrderCancelled(_) => Word::OrderCancelled,
            Event::DeliveryCreated(_) => Word::Created,
            Event::DeliveryFailed(DeliveryFailed::Creation { .. }) => Word::FailedAtCreation,
            Event::DeliveryFailed(DeliveryFailed::Fulfilment { .. }) => Word::FailedInFulfilment,
            Event::DeliveryFailed(DeliveryFailed::Transit { .. }) => Word::FailedInTransit,
            Event::DeliveryCancelled(_) => Word::Cancelled,
            Event::DeliveryDispatched(_) => Word::Dispatched,
            Event::DeliveryCompleted(_) => Word::Completed,
        }
    }

    /// Whether a lane may begin with it. DeliveryCancelled: of an order that the delivery side had never heard of.
    pub fn may_begin(self) -> bool {
        match self {
            Word::OrderCompleted | Word::Created | Word::FailedAtCreation | Word::Cancelled => true,
            Word::OrderCancelled
            | Word::FailedInFulfilment
            | Word::FailedInTransit
            | Word::Dispatched
            | Word::Completed => false,
        }
    }

    /// Whether `next` may be said after it on the same lane.
    pub fn may_be_followed_by(self, next: Word) -> bool {
        let followers: &[Word] = match self {
            Word::OrderCompleted => &[Word::OrderCancelled],
            Word::Created => &[Word::FailedInFulfilment, Word::Cancelled, Word::Dispatched],
            Word::Dispatched => &[Word::FailedInTransit, Word::Completed],
            Word::OrderCancelled
            | Word::FailedAtCreation
            | Word::FailedInFulfilment
            | Word::FailedInTransit
            | Word::Cancelled
            | Word::Completed => &[],
        };
        followers.contains(&next)
    }

    /// Whether it says, for the first time, what becomes of an OrderCompleted.
    pub fn is_outcome(self) -> bool {
        matches!(self, Word::Created | Word::FailedAtCreation)
    }

    /// Whether it answers an OrderCancelled, also when it was said before that came.
    pub fn is_answer(self) -> bool {
        let failed = matches!(self, Word::FailedAtCreation | Word::FailedInFulfilment | Word::FailedInTransit);
        failed || matches!(self, Word::Cancelled | Word::Dispatched)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Word::OrderCompleted => "OrderCompleted",
            Word::OrderCancelled => "OrderCancelled",
            Word::Created => "DeliveryCreated",
            Word::FailedAtCreation => "DeliveryFailed (creation)",
            Word::FailedInFulfilment => "DeliveryFailed (fulfilment)",
            Word::FailedInTransit => "DeliveryFailed (transit)",
            Word::Cancelled => "DeliveryCancelled",
            Word::Dispatched => "DeliveryDispatched",
            Word::Completed => "DeliveryCompleted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Word::{
        self, Cancelled, Completed, Created, Dispatched, FailedAtCreation, FailedInFulfilment, FailedInTransit,
        OrderCancelled, OrderCompleted,
    };

    const ALL: [Word; 9] = [
        OrderCompleted,
        OrderCancelled,
        Created,
        FailedAtCreation,
        FailedInFulfilment,
        FailedInTransit,
        Cancelled,
        Dispatched,
        Completed,
    ];

    /// Every whole lane that the tables of `docs/saga.md` allow, and no other.
    #[test]
    fn the_lanes_are_those_of_the_tables() {
        let mut whole: Vec<Vec<Word>> = Vec::new();
        let mut begun: Vec<Vec<Word>> =
            ALL.into_iter().filter(|word| word.may_begin()).map(|word| vec![word]).collect();
        while let Some(lane) = begun.pop() {
            let last = lane[lane.len() - 1];
            let next = ALL.into_iter().filter(|next| last.may_be_followed_by(*next));
            let longer: Vec<Vec<Word>> = next.map(|next| [lane.clone(), vec![next]].concat()).collect();
            if longer.is_empty() {
                whole.push(lane);
            }
            begun.extend(longer);
        }
        let expected: [&[Word]; 7] = [
            &[OrderCompleted, OrderCancelled],
            &[Created, FailedInFulfilment],
            &[Created, Cancelled],
            &[Created, Dispatched, FailedInTransit],
            &[Created, Dispatched, Completed],
            &[FailedAtCreation],
            &[Cancelled],
        ];
        assert_eq!(whole.len(), expected.len(), "{whole:?}");
        assert!(expected.iter().all(|lane| whole.contains(&lane.to_vec())), "{whole:?}");
    }
}
