//! Five orders, and what becomes of each.

use anyhow::{Result, ensure};
use serde_json::json;
use uuid::Uuid;

use super::seed::{COURIER, HARBOUR_POSTAL_CODE, ISLAND_POSTAL_CODE, LAMP};
use super::teller::{Expected, Teller, day_of, expect_failure};
use crate::shop::{Order, Product, Side, Wish};

const CONFIRMED: Expected = Expected { status: "confirmed", payment: "captured", stock: "reserved" };
const COMPENSATED: Expected = Expected { status: "cancelled", payment: "voided", stock: "released" };

const TO_THE_HARBOUR: Wish<'_> =
    Wish { customer: "ada", quantity: 2, sku: LAMP, city: "Hamburg", postal_code: HARBOUR_POSTAL_CODE, day: None };

/// The delivery side finds a slot, so the order is confirmed and the payment becomes the shop's.
pub async fn confirmed(teller: Teller<'_>) -> Result<()> {
    let order = teller.place_and_wait(&TO_THE_HARBOUR).await?;
    CONFIRMED.of(&order)?;
    day_of(&order)?;
    Ok(())
}

/// Nobody delivers there. Each side undoes its own part, and nobody had to tell it to.
pub async fn compensated(teller: Teller<'_>) -> Result<()> {
    let before = teller.stock(LAMP).await?;
    let order = teller.place_only(&Wish { city: "Nowhere", postal_code: "99999", ..TO_THE_HARBOUR }).await?;
    let order = teller.until(order.id, "cancelled").await?;
    COMPENSATED.of(&order)?;
    expect_failure(&order, "zone_unserved")?;
    expect_stock(&teller.stock(LAMP).await?, &before)
}

/// The customer changes their mind while there is a delivery. Its place, the only one of that day, is free again. In the end it is
/// given back, so that the story can be told again.
pub async fn cancelled(teller: Teller<'_>) -> Result<()> {
    let to_the_island = Wish { city: "Pellworm", postal_code: ISLAND_POSTAL_CODE, ..TO_THE_HARBOUR };
    let order = teller.place_and_wait(&to_the_island).await?;
    CONFIRMED.of(&order)?;
    let that_day = Wish { day: Some(day_of(&order)?), customer: "grace", ..to_the_island };

    let too_many = teller.place_and_wait(&that_day).await?;
    COMPENSATED.of(&too_many)?;
    expect_failure(&too_many, "slot_full")?;

    let order = cancel(teller, &order).await?;
    let (_, delivery) = teller.delivery_of(&order).await?;
    ensure!(delivery == "cancelled", "The delivery of order {} should be cancelled, but is {delivery}.", order.id);

    let in_its_place = teller.place_and_wait(&that_day).await?;
    CONFIRMED.of(&in_its_place)?;
    cancel(teller, &in_its_place).await.map(drop)
}

/// Cancels an order that is confirmed, and waits until all of it is undone.
async fn cancel(teller: Teller<'_>, order: &Order) -> Result<Order> {
    teller.command(Side::Orders, &format!("/orders/{}/cancellation", order.id), json!({}), 202).await?;
    let order = teller.until(order.id, "cancelled").await?;
    Expected { status: "cancelled", payment: "refunded", stock: "released" }.of(&order)?;
    Ok(order)
}

/// The parcel never arrives: the money goes back, and the pieces are written off.
pub async fn lost(teller: Teller<'_>) -> Result<()> {
    let before = teller.stock(LAMP).await?;
    let (order, delivery) = dispatched(teller).await?;
    teller
        .command(Side::Deliveries, &format!("/deliveries/{delivery}/failure"), json!({"reason": "lost"}), 200)
        .await?;
    let order = teller.until(order.id, "returned").await?;
    Expected { status: "returned", payment: "refunded", stock: "written_off" }.of(&order)?;
    let pieces = i64::from(TO_THE_HARBOUR.quantity);
    let written_off = Product {
        on_hand: before.on_hand - pieces,
        available: before.available - pieces,
        written_off: before.written_off + pieces,
        ..before
    };
    expect_stock(&teller.stock(LAMP).await?, &written_off)
}

/// The parcel arrives. Once it had left, it was too late to cancel.
pub async fn delivered(teller: Teller<'_>) -> Result<()> {
    let before = teller.stock(LAMP).await?;
    let (order, delivery) = dispatched(teller).await?;
    teller.command(Side::Orders, &format!("/orders/{}/cancellation", order.id), json!({}), 409).await?;
    let proof = json!({"received_by": "Ada Lovelace", "reference": "signature 4711"});
    teller.command(Side::Deliveries, &format!("/deliveries/{delivery}/completion"), proof, 200).await?;
    let order = teller.until(order.id, "delivered").await?;
    Expected { status: "delivered", payment: "captured", stock: "shipped" }.of(&order)?;
    let pieces = i64::from(TO_THE_HARBOUR.quantity);
    let shipped = Product {
        on_hand: before.on_hand - pieces,
        available: before.available - pieces,
        shipped: before.shipped + pieces,
        ..before
    };
    expect_stock(&teller.stock(LAMP).await?, &shipped)
}

/// An order whose parcel is with the courier, and its delivery's id.
async fn dispatched(teller: Teller<'_>) -> Result<(Order, Uuid)> {
    let order = teller.place_and_wait(&TO_THE_HARBOUR).await?;
    CONFIRMED.of(&order)?;
    let (delivery, _) = teller.delivery_of(&order).await?;
    let courier = json!({"courier_id": COURIER});
    teller.command(Side::Deliveries, &format!("/deliveries/{delivery}/courier"), courier, 200).await?;
    teller.command(Side::Deliveries, &format!("/deliveries/{delivery}/dispatch"), json!({}), 200).await?;
    Ok((teller.until(order.id, "in_delivery").await?, delivery))
}

fn expect_stock(is: &Product, should: &Product) -> Result<()> {
    ensure!(is == should, "The stock should be {should:?}, but is {is:?}.");
    Ok(())
}
