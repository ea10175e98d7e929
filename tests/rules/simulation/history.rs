//! A history: chance says what happens next, and in the end everything comes to rest.

use delivery_service::domain::{Command, FailureReason, Status};
use order_service::domain::{CancelledBy, PlaceOrder, Wanted};
use shared_events::{OrderId, Proof, Topic};

use super::{
    coverage::Coverage,
    delivery_side::COURIERS,
    invariants::{self, Violations},
    lane::Rule,
    order_side::ARTICLES,
    world::{Sending, World},
};
use crate::fixtures::{address, day};

/// What a history came to.
#[derive(Debug)]
pub struct Ended {
    pub violations: Violations,
    pub coverage: Coverage,
    pub story: String,
}

/// Something that can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Place,
    CustomerCancels,
    OperatorCancels,
    DeadlinePasses,
    DeliveryIsLate,
    Send(Topic, Sending),
    SendAgain(Topic),
    Read(Topic),
    ReadSwapped(Topic),
    GoBack(Topic),
    Retry(Topic),
    Assign,
    Dispatch,
    Attempt,
    Complete,
    Fail,
}

const ORDERS: Topic = Topic::Orders;
const DELIVERIES: Topic = Topic::Deliveries;

/// How often each happens in an ordinary history.
const ACTIONS: [(Action, usize); 23] = [
    (Action::Place, 5),
    (Action::CustomerCancels, 2),
    (Action::OperatorCancels, 1),
    (Action::DeadlinePasses, 2),
    (Action::DeliveryIsLate, 1),
    (Action::Send(ORDERS, Sending::Acknowledged), 12),
    (Action::Send(DELIVERIES, Sending::Acknowledged), 12),
    (Action::Send(ORDERS, Sending::NotAcknowledged), 3),
    (Action::Send(DELIVERIES, Sending::NotAcknowledged), 3),
    (Action::Send(ORDERS, Sending::Lost), 1),
    (Action::Send(DELIVERIES, Sending::Lost), 1),
    (Action::SendAgain(ORDERS), 2),
    (Action::SendAgain(DELIVERIES), 2),
    (Action::Read(ORDERS), 12),
    (Action::Read(DELIVERIES), 12),
    (Action::ReadSwapped(ORDERS), 4),
    (Action::ReadSwapped(DELIVERIES), 4),
    (Action::GoBack(ORDERS), 2),
    (Action::GoBack(DELIVERIES), 2),
    (Action::Retry(ORDERS), 4),
    (Action::Retry(DELIVERIES), 4),
    (Action::Assign, 8),
    (Action::Dispatch, 8),
];

/// Plays the history of a seed to its end.
pub fn play(seed: u64, rule: Rule, is_told: bool) -> Ended {
    let mut world = World::new(seed, rule, is_told);
    let actions = temper(&mut world);
    let mut violations = Violations::default();
    place(&mut world);
    for _ in 0..60 + world.dice.roll(140) {
        let action = world.dice.pick_weighted(&actions);
        act(&mut world, action);
        check(&mut world, &mut violations);
    }
    come_to_rest(&mut world);
    check(&mut world, &mut violations);
    invariants::check_at_rest(&mut world, &mut violations);
    Ended { violations, story: world.story(), coverage: world.coverage }
}

/// What has just been broken is told where it happened.
fn check(world: &mut World, violations: &mut Violations) {
    let before = violations.0.len();
    invariants::check_always(world, violations);
    if violations.0.len() > before {
        let broken: Vec<&str> = violations.0.keys().copied().collect();
        world.tell(|_| format!("BROKEN: {}", broken.join(", ")));
    }
}

/// Every history has a temper of its own: some never see a cancellation, in some nothing is ever acknowledged.
fn temper(world: &mut World) -> Vec<(Action, usize)> {
    let late = [(Action::Attempt, 4), (Action::Complete, 5), (Action::Fail, 3)];
    let actions = ACTIONS.into_iter().chain(late);
    let tempered = actions.map(|(action, weight)| (action, weight * world.dice.pick(&[0, 1, 1, 1, 4]).expect("some")));
    tempered.chain([(Action::Place, 1)]).collect()
}

fn act(world: &mut World, action: Action) {
    match action {
        Action::Place => place(world),
        Action::CustomerCancels => on_an_order(world, |world, id| world.cancel(id, CancelledBy::Customer)),
        Action::OperatorCancels => on_an_order(world, |world, id| world.cancel(id, CancelledBy::Operator)),
        Action::DeadlinePasses => on_an_order(world, World::deadline),
        Action::DeliveryIsLate => on_a_delivery(world, World::late),
        Action::Send(topic, sending) => {
            let offered = world.offered(topic);
            let picked = world.dice.pick(&offered);
            picked.into_iter().for_each(|place| world.send(topic, place, sending));
        }
        Action::SendAgain(topic) => {
            let sent: Vec<usize> = (0..world.lane(topic).records.len()).collect();
            let picked = world.dice.pick(&sent);
            picked.into_iter().for_each(|offset| world.send_again(topic, offset));
        }
        Action::Read(topic) => read(world, topic),
        Action::ReadSwapped(topic) => read_swapped(world, topic),
        Action::GoBack(topic) => go_back(world, topic),
        Action::Retry(topic) => {
            let due = world.reader(topic).due();
            let lane = world.dice.roll(due.len());
            due.into_iter().nth(lane).into_iter().for_each(|offsets| world.apply(topic, &offsets));
        }
        Action::Assign => on_a_delivery(world, |world, id| {
            let courier = world.dice.pick(&COURIERS).expect("some").to_owned();
            world.ask(id, Command::AssignCourier { courier });
        }),
        Action::Dispatch => on_a_delivery(world, |world, id| world.ask(id, Command::Dispatch)),
        Action::Attempt => on_a_delivery(world, |world, id| {
            let wished = [None, None, Some(day(1)), Some(day(2)), Some(day(3))];
            let date = world.dice.pick(&wished).expect("some");
            // The next one; now and then the last one again, or one that nobody waits for.
            let recorded = u32::try_from(world.delivery_side.deliveries[&id].attempts.len()).expect("few");
            let number =
                world.dice.pick(&[recorded + 1, recorded + 1, recorded + 1, recorded, recorded + 2]).expect("some");
            world.ask(id, Command::Attempt { number, note: None, date });
        }),
        Action::Complete => on_a_delivery(world, |world, id| world.ask(id, Command::Complete { proof: proof() })),
        Action::Fail => on_a_delivery(world, |world, id| {
            let reason = world.dice.pick(&FailureReason::ALL).expect("some");
            world.ask(id, Command::Fail { reason });
        }),
    }
}

fn proof() -> Proof {
    Proof { received_by: "the recipient".to_owned(), reference: None }
}

/// One or two customers at once; three orders are enough for one history.
fn place(world: &mut World) {
    if world.order_side.orders.len() < 3 {
        let requests = (0..1 + world.dice.roll(2)).map(|_| request(world)).collect();
        world.place(requests);
    }
}

fn request(world: &mut World) -> PlaceOrder {
    let dice = &mut world.dice;
    let sku = if dice.happens(90) { ARTICLES[0].0 } else { ARTICLES[1].0 };
    let quantity = 1 + u32::try_from(dice.roll(3)).expect("few");
    let mut delivery_address = address();
    if dice.happens(10) {
        delivery_address.postal_code = "99999".to_owned();
    }
    let wished_date = if dice.happens(30) { Some(day(1 + u64::from(dice.happens(50)))) } else { None };
    PlaceOrder {
        customer_id: "customer-1".to_owned(),
        currency: "EUR".parse().expect("a currency"),
        items: vec![Wanted { sku: sku.to_owned(), quantity }],
        delivery_address,
        wished_date,
        expected_total_minor: None,
    }
}

fn on_an_order(world: &mut World, act: impl FnOnce(&mut World, OrderId)) {
    let orders: Vec<OrderId> = world.order_side.orders.keys().copied().collect();
    if let Some(order_id) = world.dice.pick(&orders) {
        act(world, order_id);
    }
}

fn on_a_delivery(world: &mut World, act: impl FnOnce(&mut World, OrderId)) {
    let deliveries: Vec<OrderId> = world.delivery_side.deliveries.keys().copied().collect();
    if let Some(order_id) = world.dice.pick(&deliveries) {
        act(world, order_id);
    }
}

fn read(world: &mut World, topic: Topic) {
    let (from, end) = (world.reader(topic).position, world.lane(topic).records.len());
    let to = end.min(from + 1 + world.dice.roll(4));
    let offsets: Vec<usize> = (from..to).collect();
    world.apply(topic, &offsets);
    world.reader(topic).position = to;
}

/// The next two records, the second first; in one batch or in two.
fn read_swapped(world: &mut World, topic: Topic) {
    let from = world.reader(topic).position;
    if from + 2 > world.lane(topic).records.len() {
        return;
    }
    world.coverage.note("two records change places");
    if world.dice.happens(50) {
        world.apply(topic, &[from + 1, from]);
    } else {
        world.apply(topic, &[from + 1]);
        world.apply(topic, &[from]);
    }
    world.reader(topic).position = from + 2;
}

fn go_back(world: &mut World, topic: Topic) {
    let position = world.reader(topic).position;
    if position > 0 {
        world.coverage.note("a reader goes back");
        let to = world.dice.roll(position);
        world.reader(topic).position = to;
        world.tell(|_| format!("the reader of {topic} goes back from {position} to {to}"));
    }
}

/// Nothing goes wrong any more, staff finish their work, everything is sent and read.
fn come_to_rest(world: &mut World) {
    world.heal();
    for _ in 0..40 {
        for topic in [ORDERS, DELIVERIES] {
            send_all(world, topic);
            while world.reader(topic).position < world.lane(topic).records.len() {
                read(world, topic);
            }
            for offsets in world.reader(topic).due() {
                world.apply(topic, &offsets);
            }
        }
        finish_deliveries(world);
    }
}

fn send_all(world: &mut World, topic: Topic) {
    loop {
        let offered = world.offered(topic);
        if offered.is_empty() {
            return;
        }
        offered.into_iter().for_each(|place| world.send(topic, place, Sending::Acknowledged));
    }
}

fn finish_deliveries(world: &mut World) {
    let deliveries: Vec<_> = world.delivery_side.deliveries.values().cloned().collect();
    for delivery in deliveries {
        let id = delivery.order_id;
        match (delivery.status, &delivery.courier) {
            (Status::Scheduled, Some(_)) => world.ask(id, Command::Dispatch),
            (Status::Scheduled, None) => {
                let courier = world.dice.pick(&COURIERS).expect("some").to_owned();
                world.ask(id, Command::AssignCourier { courier });
            }
            (Status::Dispatched, _) => world.ask(id, Command::Complete { proof: proof() }),
            (Status::Void | Status::Refused | Status::Failed | Status::Delivered | Status::Cancelled, _) => {}
        }
    }
}
