//! The pair as a model: which steps can be taken, and what is found wrong.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use delivery_service::domain::Status as DeliveryStatus;
use stateright::{Expectation, Model, Property};

use super::{
    bounds::Bounds,
    faults::{is_fault, wrong},
    marks::{self, MARKS, between},
};
use crate::pair::{
    Pair, Step, TOPICS,
    coverage::Coverage,
    delivery_side::{Asked, DeliveryCommand, DeliverySide},
    held::Known,
    invariants::{self, Books, NAMES, Violations},
    order_side::{OrderCommand, OrderSide, Request},
};

pub type KnownPair = Pair<Known<OrderSide>, Known<DeliverySide>>;
/// Both databases by their numbers, and whether the pair is at rest.
type Which = (usize, usize, bool);
/// What is broken, and which marks show.
type Found = (u16, u64);

/// A state of the pair, and what may still happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub pair: KnownPair,
    placed: u8,
    faults: u8,
    deadlines: u8,
    /// What is wrong with the topics.
    lanes: u16,
    /// Which invariants are broken. It follows from the rest, and so do the marks.
    broken: u16,
    marks: u64,
}

/// The pair within bounds.
pub struct Played {
    bounds: Bounds,
    first: KnownPair,
    found: RwLock<HashMap<Which, Found>>,
}

/// What shows between both sides.
pub const BETWEEN: [&str; 6] = [
    "two relays send one event",
    "a relay sends what another one has long sent",
    "what was handed over has long been sent",
    "two consumers read one record",
    "a consumer is ahead of its offset",
    "an event lies on its topic twice",
];

impl Played {
    pub fn new(bounds: Bounds) -> Self {
        let orders = Known::first(OrderSide::new(4, bounds.extensions, bounds.bug));
        let deliveries = Known::first(DeliverySide::new(bounds.max_attempts, bounds.bug));
        Self { bounds, first: Pair::new(orders, deliveries, bounds.hands_over), found: RwLock::default() }
    }

    pub fn coverage(&self) -> Coverage {
        let (orders, deliveries) = self.first.bases();
        let mut coverage = orders.coverage();
        coverage.add(deliveries.coverage());
        coverage
    }

    /// How many databases of either side were reached, and by how many transactions.
    pub fn counted(&self) -> [[usize; 2]; 2] {
        let (orders, deliveries) = self.first.bases();
        [orders.counted(), deliveries.counted()]
    }

    /// What is wrong in a state, and what shows it.
    pub fn evidence(&self, state: &State) -> Violations {
        let mut found = self.violations(&state.pair, is_at_rest(&state.pair));
        invariants::check_lanes(&state.pair, &mut found);
        found
    }

    fn violations(&self, pair: &KnownPair, is_at_rest: bool) -> Violations {
        let books = Books { orders: pair.order_side(), deliveries: pair.delivery_side() };
        let mut found = Violations::default();
        invariants::check_books(books, &mut found);
        if is_at_rest {
            invariants::check_at_rest(books, &mut found);
        }
        found
    }

    /// With `lanes`, what is known to be wrong with the topics already.
    fn state(&self, pair: KnownPair, [placed, faults, deadlines]: [u8; 3], lanes: u16) -> State {
        let is_at_rest = is_at_rest(&pair);
        let key = (pair.bases().0.id(), pair.bases().1.id(), is_at_rest);
        let known = self.found.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let (broken, marks) = known.unwrap_or_else(|| {
            let broken = bits(&self.violations(&pair, is_at_rest));
            let found = (broken, marks::of_orders(pair.order_side()) | marks::of_deliveries(pair.delivery_side()));
            self.found.write().unwrap_or_else(PoisonError::into_inner).insert(key, found);
            found
        });
        State { pair, placed, faults, deadlines, lanes, broken: broken | lanes, marks }
    }
}

fn bits(found: &Violations) -> u16 {
    let broken = NAMES.iter().enumerate().filter(|(_, name)| found.0.contains_key(*name));
    broken.fold(0, |bits, (nth, _)| bits | 1 << nth)
}

/// Nothing goes on by itself, and nobody has a parcel to deliver.
fn is_at_rest(pair: &KnownPair) -> bool {
    use DeliveryStatus::{Dispatched, Scheduled};
    let mut deliveries = pair.delivery_side().deliveries.values();
    !pair.is_busy()
        && !deliveries.any(|delivery| matches!(delivery.status, Scheduled | Dispatched))
        && pair.progress().is_empty()
}

/// A condition of the checker can hold nothing, so there is one for each bit.
macro_rules! bits {
    ($field:ident, $is:tt, $expectation:expr, $names:expr, $($nth:literal)*) => {
        vec![$(Property {
            expectation: $expectation,
            name: $names[$nth],
            condition: |_: &Played, state: &State| state.$field & (1 << $nth) $is 0,
        }),*]
    };
}

/// Every invariant, always.
fn invariants() -> Vec<Property<Played>> {
    bits!(broken, ==, Expectation::Always, NAMES, 0 1 2 3 4 5 6 7 8 9 10 11 12)
}

/// Every mark, sometimes.
fn reached() -> Vec<Property<Played>> {
    let names = MARKS.map(|(name, _)| name);
    bits!(marks, !=, Expectation::Sometimes, names, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
          30 31 32 33)
}

impl Model for Played {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut pair = self.first.clone();
        pair.take(&place(self.bounds.orders[0]), &mut Coverage::default());
        vec![self.state(pair, [1, self.bounds.faults, self.bounds.deadlines], 0)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        *steps = state.pair.progress();
        steps.extend(self.bounds.orders.get(usize::from(state.placed)).map(|request| place(*request)));
        for order_id in state.pair.order_side().orders.keys() {
            let cancelled_by = self.bounds.cancelled_by.iter();
            steps.extend(cancelled_by.map(|by| Step::Order(OrderCommand::Cancel(*order_id, *by))));
            if state.deadlines > 0 {
                let passes = |is_heard| Step::Order(OrderCommand::Deadline { order_id: *order_id, is_heard });
                steps.extend([true, false].map(passes));
            }
            steps.push(Step::Delivery(DeliveryCommand::GiveUp(*order_id)));
        }
        if self.bounds.has_staff {
            self.staff(state, steps);
        }
        if state.faults > 0 {
            TOPICS.into_iter().for_each(|topic| wrong(&state.pair, topic, steps));
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        if before.pair.is_in_vain(&step) {
            return None;
        }
        let mut pair = before.pair.clone();
        pair.take(&step, &mut Coverage::default());
        if pair == before.pair {
            return None;
        }
        let placed = before.placed + u8::from(matches!(step, Step::Order(OrderCommand::Place(_))));
        let faults = before.faults - u8::from(is_fault(&step));
        let passes =
            matches!(step, Step::Order(OrderCommand::Deadline { .. }) | Step::Delivery(DeliveryCommand::Late(_)));
        let deadlines = before.deadlines - u8::from(passes);
        let mut lanes = Violations::default();
        if changes_lanes(&step) {
            invariants::check_lanes(&pair, &mut lanes);
        }
        Some(self.state(pair, [placed, faults, deadlines], before.lanes | bits(&lanes)))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = invariants();
        properties.extend(reached());
        let shows = |name, condition| Property { expectation: Expectation::Sometimes, name, condition };
        let between: [fn(&Self, &State) -> bool; 6] = [
            |_, state| between::two_relays_send_one_event(&state.pair),
            |_, state| between::a_relay_is_late(&state.pair),
            |_, state| between::a_hand_over_is_late(&state.pair),
            |_, state| between::two_consumers_read_one_record(&state.pair),
            |_, state| between::a_consumer_is_ahead_of_its_offset(&state.pair),
            |_, state| between::an_event_lies_on_its_topic_twice(&state.pair),
        ];
        properties.extend(BETWEEN.into_iter().zip(between).map(|(name, condition)| shows(name, condition)));
        properties
    }
}

fn place(request: Request) -> Step {
    Step::Order(OrderCommand::Place(vec![request]))
}

impl Played {
    /// All that staff and couriers may ask for.
    fn staff(&self, state: &State, steps: &mut Vec<Step>) {
        for (order_id, delivery) in &state.pair.delivery_side().deliveries {
            let mut ask = |asked| steps.push(Step::Delivery(DeliveryCommand::Ask(*order_id, asked)));
            (0..self.bounds.orders.len()).for_each(|courier| ask(Asked::Assign(courier)));
            ask(Asked::Dispatch);
            let recorded = u32::try_from(delivery.attempts.len()).expect("few");
            [recorded, recorded + 1].into_iter().for_each(|number| ask(Asked::Attempt(number, None)));
            ask(Asked::Complete);
            self.bounds.failures.iter().for_each(|reason| ask(Asked::Fail(*reason)));
            if state.deadlines > 0 && delivery.deadline.is_some() {
                steps.push(Step::Delivery(DeliveryCommand::Late(*order_id)));
            }
        }
    }
}

/// What is wrong with the topics and the pointers shows after these, and what was wrong stays so.
fn changes_lanes(step: &Step) -> bool {
    matches!(step, Step::Give(..) | Step::GiveHandedOver(..) | Step::Arrive(..) | Step::Settle(..) | Step::Repeat(..))
}
