//! What happened, as somebody would tell it.

use shared_events::{OrderId, Topic};

use super::{
    Applying, Pair, Step,
    delivery_side::{Asked, COURIERS, DeliveryCommand, DeliverySide},
    held::Held,
    lane::{Place, Record},
    order_side::{OrderCommand, OrderSide},
    outbox::Pointer,
    processes::Doing,
    side::Answer,
};

/// One line about a step, with what had been before it and what was after it.
pub fn tell<O, D>(before: &Pair<O, D>, step: &Step, answer: &Answer, after: &Pair<O, D>) -> String
where
    O: Held<Side = OrderSide>,
    D: Held<Side = DeliverySide>,
{
    let name = |order_id| name(after, order_id);
    let event = |topic, pointer: &Pointer| event(before, topic, pointer.place());
    match step {
        Step::Order(OrderCommand::Place(requests)) => {
            let placed: Vec<String> =
                after.order_side().orders.keys().skip(before.order_side().orders.len()).map(|id| name(*id)).collect();
            let refused = if placed.len() < requests.len() { ", and somebody is refused" } else { "" };
            format!("customers place {placed:?}{refused}")
        }
        Step::Order(OrderCommand::Cancel(order_id, by)) => {
            format!("the {by} cancels {}: {}{}", name(*order_id), said(answer), order_now(after, *order_id))
        }
        Step::Order(OrderCommand::Deadline { order_id, is_heard }) => {
            let heard = if *is_heard { "the other side has come further" } else { "the other side is silent" };
            format!("a deadline of {} passes, {heard}{}", name(*order_id), order_now(after, *order_id))
        }
        Step::Delivery(DeliveryCommand::Ask(order_id, asked)) => {
            let asked = asked_for(*asked);
            format!("staff {asked} {}: {}{}", name(*order_id), said(answer), delivery_now(after, *order_id))
        }
        Step::Delivery(DeliveryCommand::Late(order_id)) => {
            format!("the delivery of {} is late{}", name(*order_id), delivery_now(after, *order_id))
        }
        Step::Delivery(DeliveryCommand::GiveUp(order_id)) => {
            format!("an operator gives up {}: {}{}", name(*order_id), said(answer), delivery_now(after, *order_id))
        }
        Step::Give(topic, relay, pointer) => format!("relay {relay} of {topic} sends {}", event(*topic, pointer)),
        Step::GiveHandedOver(topic) => {
            let handed_over = before.relays(*topic)[0].handed_over().iter();
            let events: Vec<String> = handed_over.map(|pointer| event(*topic, pointer)).collect();
            format!("relay 0 of {topic} sends what was handed over and is not in flight: {}", events.join(", "))
        }
        Step::Arrive(topic, _, pointer) => format!("{} is on {topic}", event(*topic, pointer)),
        Step::Acknowledge(topic, relay, pointer) => {
            format!("relay {relay} of {topic} hears that {} has arrived", event(*topic, pointer))
        }
        Step::Fail(topic, relay, pointer) => {
            format!("relay {relay} of {topic} hears nothing of {} and will send it again", event(*topic, pointer))
        }
        Step::Settle(topic, relay) => format!("relay {relay} of {topic} deletes the pointers of what has arrived"),
        Step::ClientBreaks(topic, relay) => {
            format!("relay {relay} of {topic} replaces its client, and will send again what is not acknowledged")
        }
        Step::RelayDies(topic, relay) => format!("relay {relay} of {topic} dies"),
        Step::Repeat(topic, offset) => {
            format!("{} is on {topic} once more", event_of(before, &before.lane(*topic)[*offset]))
        }
        Step::Read(topic, consumer, offsets) => {
            let read: Vec<String> =
                offsets.iter().map(|offset| event_of(before, &before.lane(*topic)[*offset])).collect();
            format!("consumer {consumer} of {topic} reads {}", read.join(", "))
        }
        Step::Commit(topic, consumer, applying) => {
            let Doing::Planned { offsets, .. } = &before.consumers(*topic)[*consumer].doing else {
                return "nothing is planned".to_owned();
            };
            let orders = offsets.iter().map(|offset| before.lane(*topic)[*offset].order_id());
            let now: Vec<String> = orders.map(|order_id| now(after, *topic, order_id)).collect();
            format!("consumer {consumer} of {topic} {}{}", done(answer, *applying), now.concat())
        }
        Step::Store(topic, consumer) => {
            format!("consumer {consumer} of {topic} stores that {} comes next", after.stored(*topic))
        }
        Step::ConsumerDies(topic, consumer) => format!("consumer {consumer} of {topic} dies"),
        Step::Rewind(topic, to) => format!("the readers of {topic} go back to {to}"),
        Step::Retry(topic, order_id, applying) => {
            let done = done(answer, *applying);
            format!("what is parked of {} is tried again: {done}{}", name(*order_id), now(after, *topic, *order_id))
        }
    }
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Committed => "granted".to_owned(),
        Answer::Refused(why) => format!("refused, {why}"),
        Answer::Moved => "somebody else was first".to_owned(),
    }
}

fn done(answer: &Answer, applying: Applying) -> &'static str {
    match (answer, applying) {
        (Answer::Moved, _) => "rolls back, somebody else was first",
        (Answer::Committed | Answer::Refused(_), Applying::Works) => "commits",
        (Answer::Committed | Answer::Refused(_), Applying::Fails) => "cannot apply it and parks it",
    }
}

fn asked_for(asked: Asked) -> String {
    match asked {
        Asked::Assign(courier) => format!("let {} carry", COURIERS[courier]),
        Asked::Dispatch => "dispatch".to_owned(),
        Asked::Attempt(number, wished) => {
            let wished = wished.map_or_else(String::new, |day| format!(" with a wish for day {day}"));
            format!("find nobody there ({number}{wished}) of")
        }
        Asked::Complete => "hand over".to_owned(),
        Asked::Fail(reason) => format!("fail ({reason})"),
    }
}

/// "order 2", as a reader of the story wants it.
fn name<O: Held<Side = OrderSide>, D: Held>(pair: &Pair<O, D>, order_id: OrderId) -> String {
    let orders = &pair.orders.base.look().orders;
    let nth = orders.keys().position(|one| *one == order_id);
    nth.map_or_else(|| format!("order {order_id}"), |nth| format!("order {}", nth + 1))
}

fn event<O, D>(pair: &Pair<O, D>, topic: Topic, place: Place) -> String
where
    O: Held<Side = OrderSide>,
    D: Held<Side = DeliverySide>,
{
    event_of(pair, &pair.outbox(topic).record(place))
}

fn event_of<O: Held<Side = OrderSide>, D: Held>(pair: &Pair<O, D>, record: &Record) -> String {
    let (order_id, version) = record.place();
    format!("{} (version {version} of {})", record.event().kind(), name(pair, order_id))
}

fn now<O, D>(pair: &Pair<O, D>, read: Topic, order_id: OrderId) -> String
where
    O: Held<Side = OrderSide>,
    D: Held<Side = DeliverySide>,
{
    match read {
        Topic::Orders => delivery_now(pair, order_id),
        Topic::Deliveries => order_now(pair, order_id),
    }
}

fn order_now<O: Held<Side = OrderSide>, D: Held<Side = DeliverySide>>(pair: &Pair<O, D>, order_id: OrderId) -> String {
    let order = &pair.order_side().orders[&order_id];
    format!(" [order {}, {}, {}]", order.status, order.payment, order.stock)
}

fn delivery_now<O, D>(pair: &Pair<O, D>, order_id: OrderId) -> String
where
    O: Held<Side = OrderSide>,
    D: Held<Side = DeliverySide>,
{
    let status = pair.delivery_side().deliveries.get(&order_id).map(|delivery| delivery.status);
    format!(" [delivery {}]", status.map_or_else(|| "none".to_owned(), |status| status.to_string()))
}
