//! A history: chance says what happens next, and in the end everything comes to rest.

use std::panic::{AssertUnwindSafe, catch_unwind};

use delivery_service::domain::FailureReason;
use order_service::domain::CancelledBy;
use shared_events::{OrderId, Topic};

use super::{
    rest::come_to_rest,
    world::{World, weighted},
};
use crate::pair::{
    Step, TOPICS,
    bugs::Bug,
    coverage::Coverage,
    delivery_side::{Asked, COURIERS, DeliveryCommand},
    invariants::Violations,
    order_side::{OrderCommand, Request},
    processes::{Doing, Stage},
    side::Side,
};

/// What a history came to.
#[derive(Debug)]
pub struct Ended {
    pub violations: Violations,
    pub coverage: Coverage,
    pub story: String,
}

/// Something that can happen next. What is about a lane happens on either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Place,
    CustomerCancels,
    OperatorCancels,
    OperatorGivesUp,
    DeadlinePasses,
    DeliveryIsLate,
    /// A relay sends something, or goes on with what it sent.
    Relay,
    RecordFails,
    ClientBreaks,
    RelayDies,
    SendAgain,
    /// A consumer reads on, or goes on with what it read.
    Consume,
    ReadSwapped,
    ConsumerDies,
    GoBack,
    Retry,
    Assign,
    Dispatch,
    Attempt,
    Complete,
    Fail,
}

/// How often each happens in an ordinary history.
const ACTIONS: [(Action, usize); 21] = [
    (Action::Place, 5),
    (Action::CustomerCancels, 2),
    (Action::OperatorCancels, 1),
    (Action::OperatorGivesUp, 1),
    (Action::DeadlinePasses, 2),
    (Action::DeliveryIsLate, 1),
    (Action::Relay, 80),
    (Action::RecordFails, 4),
    (Action::ClientBreaks, 2),
    (Action::RelayDies, 4),
    (Action::SendAgain, 3),
    (Action::Consume, 60),
    (Action::ReadSwapped, 4),
    (Action::ConsumerDies, 4),
    (Action::GoBack, 2),
    (Action::Retry, 8),
    (Action::Assign, 8),
    (Action::Dispatch, 8),
    (Action::Attempt, 4),
    (Action::Complete, 5),
    (Action::Fail, 3),
];

/// Plays the history of a seed to its end.
pub fn play(seed: u64, bug: Option<Bug>, is_told: bool) -> Ended {
    let mut world = World::new(seed, bug, is_told);
    until_it_panics(&mut world, |world| {
        let actions = temper(world);
        place(world);
        for _ in 0..120 + world.dice.roll(280) {
            let action = weighted(&mut world.dice, &actions);
            act(world, action);
        }
        come_to_rest(world);
        world.check_at_rest();
    });
    Ended { story: world.story(), violations: world.violations, coverage: world.coverage }
}

/// A panic is a violation like any other: it has a seed, and a story up to the step that it came in.
pub fn until_it_panics(world: &mut World, history: impl FnOnce(&mut World)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| history(world))) {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        world.panicked(text.unwrap_or("without a word"));
    }
}

/// Every history has a temper of its own: some never see a cancellation, in some nothing is ever acknowledged.
fn temper(world: &mut World) -> Vec<(Action, usize)> {
    let tempered = ACTIONS.map(|(action, weight)| (action, weight * world.dice.pick(&[0, 1, 1, 1, 4]).expect("some")));
    tempered.into_iter().chain([(Action::Place, 1)]).collect()
}

fn act(world: &mut World, action: Action) {
    let topic = world.dice.pick(&TOPICS).expect("some");
    match action {
        Action::Place => place(world),
        Action::CustomerCancels => on_an_order(world, |_, id| cancel(id, CancelledBy::Customer)),
        Action::OperatorCancels => on_an_order(world, |_, id| cancel(id, CancelledBy::Operator)),
        Action::OperatorGivesUp => on_an_order(world, |_, id| Step::Delivery(DeliveryCommand::GiveUp(id))),
        Action::DeadlinePasses => on_an_order(world, |world, order_id| {
            Step::Order(OrderCommand::Deadline { order_id, is_heard: world.dice.happens(50) })
        }),
        Action::DeliveryIsLate => on_a_delivery(world, |_, id| Step::Delivery(DeliveryCommand::Late(id))),
        Action::Relay => relay(world, topic),
        Action::RecordFails => record_fails(world, topic),
        Action::ClientBreaks => client_breaks(world, topic),
        Action::RelayDies => {
            let relay = world.dice.roll(2);
            world.take(&Step::RelayDies(topic, relay));
        }
        Action::SendAgain => {
            let sent: Vec<usize> = (0..world.pair.lane(topic).len()).collect();
            let picked = world.dice.pick(&sent);
            picked.into_iter().for_each(|offset| drop(world.take(&Step::Repeat(topic, offset))));
        }
        Action::Consume => consume(world, topic),
        Action::ReadSwapped => read_swapped(world, topic),
        Action::ConsumerDies => {
            let consumer = world.dice.roll(2);
            world.take(&Step::ConsumerDies(topic, consumer));
        }
        Action::GoBack => {
            let stored = world.pair.stored(topic);
            if stored > 0 {
                let to = world.dice.roll(stored);
                world.take(&Step::Rewind(topic, to));
            }
        }
        Action::Retry => retry(world, topic),
        Action::Assign => ask(world, |world, _| Asked::Assign(world.dice.roll(COURIERS.len()))),
        Action::Dispatch => ask(world, |_, _| Asked::Dispatch),
        Action::Attempt => ask(world, attempt),
        Action::Complete => ask(world, |_, _| Asked::Complete),
        Action::Fail => ask(world, |world, _| Asked::Fail(world.dice.pick(&FailureReason::ALL).expect("some"))),
    }
}

fn cancel(order_id: OrderId, by: CancelledBy) -> Step {
    Step::Order(OrderCommand::Cancel(order_id, by))
}

/// The next one; now and then the last one again, or one that nobody waits for.
fn attempt(world: &mut World, order_id: OrderId) -> Asked {
    let wished = world.dice.pick(&[None, None, Some(1), Some(2), Some(3)]).expect("some");
    let recorded = u32::try_from(world.pair.delivery_side().deliveries[&order_id].attempts.len()).expect("few");
    let next = recorded + 1;
    Asked::Attempt(world.dice.pick(&[next, next, next, recorded, next + 1]).expect("some"), wished)
}

/// One or two customers at once; three orders are enough for one history.
pub fn place(world: &mut World) {
    if world.pair.order_side().orders.len() < 3 {
        let requests = (0..1 + world.dice.roll(2)).map(|_| request(world)).collect();
        world.take(&Step::Order(OrderCommand::Place(requests)));
    }
}

fn request(world: &mut World) -> Request {
    let dice = &mut world.dice;
    Request {
        article: usize::from(dice.happens(10)),
        quantity: 1 + u32::try_from(dice.roll(3)).expect("few"),
        is_served: !dice.happens(10),
        wished: if dice.happens(30) { Some(1 + u64::from(dice.happens(50))) } else { None },
    }
}

fn on_an_order(world: &mut World, step: impl FnOnce(&mut World, OrderId) -> Step) {
    let orders: Vec<OrderId> = world.pair.order_side().orders.keys().copied().collect();
    on_one(world, &orders, step);
}

fn on_a_delivery(world: &mut World, step: impl FnOnce(&mut World, OrderId) -> Step) {
    let deliveries: Vec<OrderId> = world.pair.delivery_side().deliveries.keys().copied().collect();
    on_one(world, &deliveries, step);
}

fn on_one(world: &mut World, orders: &[OrderId], step: impl FnOnce(&mut World, OrderId) -> Step) {
    if let Some(order_id) = world.dice.pick(orders) {
        let step = step(world, order_id);
        world.take(&step);
    }
}

fn ask(world: &mut World, asked: impl FnOnce(&mut World, OrderId) -> Asked) {
    on_a_delivery(world, |world, id| Step::Delivery(DeliveryCommand::Ask(id, asked(world, id))));
}

/// The one that leads, mostly.
fn relay(world: &mut World, topic: Topic) {
    let relay = usize::from(world.dice.happens(20));
    let one = &world.pair.relays(topic)[relay];
    let flying = one.flights().iter().filter_map(|(pointer, stage)| match stage {
        Stage::Given => Some(Step::Arrive(topic, relay, *pointer)),
        Stage::Arrived => Some(Step::Acknowledge(topic, relay, *pointer)),
        Stage::Acknowledged => None,
    });
    let settling = (!one.acknowledged().is_empty()).then_some(Step::Settle(topic, relay));
    let giving = world.pair.may_give(topic, relay).into_iter().map(|pointer| Step::Give(topic, relay, pointer));
    let is_handed = relay == 0 && !one.handed_over().is_empty();
    let taking = is_handed.then_some(Step::GiveHandedOver(topic));
    let steps: Vec<Step> = flying.chain(settling).chain(giving).chain(taking).collect();
    take_one(world, &steps);
}

pub fn take_one(world: &mut World, steps: &[Step]) {
    if !steps.is_empty() {
        let nth = world.dice.roll(steps.len());
        world.take(&steps[nth]);
    }
}

fn record_fails(world: &mut World, topic: Topic) {
    let relay = world.dice.roll(2);
    let flights = world.pair.relays(topic)[relay].flights().iter();
    let flying = flights.filter(|(_, stage)| **stage != Stage::Acknowledged);
    let steps: Vec<Step> = flying.map(|(pointer, _)| Step::Fail(topic, relay, *pointer)).collect();
    take_one(world, &steps);
}

fn client_breaks(world: &mut World, topic: Topic) {
    let relay = world.dice.roll(2);
    let mut stages = world.pair.relays(topic)[relay].flights().values();
    if stages.any(|stage| *stage != Stage::Acknowledged) {
        world.take(&Step::ClientBreaks(topic, relay));
    }
}

/// The one that the partition belongs to, mostly. The other one begins where the group has stored.
fn consume(world: &mut World, topic: Topic) {
    let consumer = usize::from(world.dice.happens(20));
    match world.pair.consumers(topic)[consumer].doing {
        Doing::Planned { .. } => world.commit(topic, consumer),
        Doing::Committed => drop(world.take(&Step::Store(topic, consumer))),
        Doing::Nothing => {
            let from = begin(world, topic, consumer);
            let to = world.pair.lane(topic).len().min(from + 1 + world.dice.roll(4));
            if from < to {
                world.take(&Step::Read(topic, consumer, (from..to).collect()));
            }
        }
    }
}

fn begin(world: &World, topic: Topic, consumer: usize) -> usize {
    if consumer == 0 { world.pair.consumers(topic)[0].position } else { world.pair.stored(topic) }
}

/// The next two records, the second first.
fn read_swapped(world: &mut World, topic: Topic) {
    let from = begin(world, topic, 0);
    if from + 2 <= world.pair.lane(topic).len() && world.pair.consumers(topic)[0].doing == Doing::Nothing {
        world.take(&Step::Read(topic, 0, vec![from + 1, from]));
    }
}

fn retry(world: &mut World, topic: Topic) {
    let due = match topic {
        Topic::Orders => world.pair.delivery_side().inbox().due(),
        Topic::Deliveries => world.pair.order_side().inbox().due(),
    };
    let orders: Vec<OrderId> = due.iter().map(|batch| batch[0].1.order_id()).collect();
    let picked = world.dice.pick(&orders);
    picked.into_iter().for_each(|order_id| world.retry(topic, order_id));
}
