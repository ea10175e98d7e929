//! How a history ends: in peace.

use delivery_service::domain::Status;

use super::{history::take_one, world::World};
use crate::pair::{
    Step,
    delivery_side::{Asked, COURIERS, DeliveryCommand},
};

/// Nothing goes wrong any more, staff finish their work, everything is sent and read.
pub fn come_to_rest(world: &mut World) {
    world.heal();
    for _ in 0..40 {
        for _ in 0..1_000 {
            let steps = world.pair.progress();
            if steps.is_empty() {
                break;
            }
            take_one(world, &steps);
        }
        if !finish_deliveries(world) {
            return;
        }
    }
}

/// Whether there was anything to do.
fn finish_deliveries(world: &mut World) -> bool {
    let deliveries: Vec<_> = world.pair.delivery_side().deliveries.values().cloned().collect();
    let mut is_open = false;
    for delivery in deliveries {
        let asked = match (delivery.status, &delivery.courier) {
            (Status::Scheduled, Some(_)) => Asked::Dispatch,
            (Status::Scheduled, None) => Asked::Assign(world.dice.roll(COURIERS.len())),
            (Status::Dispatched, _) => Asked::Complete,
            (Status::Void | Status::Refused | Status::Failed | Status::Delivered | Status::Cancelled, _) => continue,
        };
        is_open = true;
        world.take(&Step::Delivery(DeliveryCommand::Ask(delivery.order_id, asked)));
    }
    is_open
}
