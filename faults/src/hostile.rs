//! Somebody who writes to the topics and should not: records once more, in another order, and records that nobody can read.

use std::time::Duration;

use anyhow::{Context, Result};
use devstack::wait_until;
use serde_json::json;
use shared_events::Envelope;
use uuid::Uuid;

use crate::archive::Spot;
use crate::broker::{self, Record};
use crate::dice::Dice;
use crate::fault::{Repeated, Side};
use crate::ground::Ground;

/// One purpose of the dice.
const WRITING: u64 = 3;
/// How long the other side may take to park a flood.
const PARKED_WITHIN: Duration = Duration::from_secs(180);

/// Sends records of a topic a second time; says how many.
pub async fn repeat(ground: &Ground, side: Side, how: Repeated, records: u64, drawn: u64) -> Result<u64> {
    let (bootstrap, topic) = (ground.kafka.bootstrap(), side.announces_on());
    let all = broker::read_all(bootstrap, topic).await?;
    let data = |record: &Record| record.payload.clone().unwrap_or_default();
    let is_event = |record: &Record| Envelope::from_wire(|name| record.header(name), &data(record)).is_ok();
    let mut again: Vec<Record> = all.into_iter().filter(is_event).collect();
    let first = Dice::of(drawn, WRITING).below(again.len().max(1) as u64);
    again.rotate_left(usize::try_from(first)?);
    again.truncate(usize::try_from(records)?);
    match how {
        Repeated::AsItWas => {}
        Repeated::Backwards => again.reverse(),
    }
    Ok(broker::produce(bootstrap, topic, &again).await?.len() as u64)
}

/// Sends records that nobody can read; says how many.
pub async fn poison(ground: &mut Ground, side: Side, records: u64, drawn: u64) -> Result<u64> {
    Ok(write_poison(ground, side, records, drawn).await?.len() as u64)
}

/// Sends very many of them at once, and waits until the other side has parked them all. Says how many it has.
pub async fn flood(ground: &mut Ground, side: Side, records: u64, drawn: u64) -> Result<u64> {
    let last: Option<Uuid> = sqlx::query_scalar("select id from parked_events order by id desc limit 1")
        .fetch_optional(ground.pool(side.other()))
        .await?;
    let (partitions, offsets): (Vec<_>, Vec<_>) = write_poison(ground, side, records, drawn).await?.into_iter().unzip();
    let parked = wait_until(PARKED_WITHIN, async || {
        // Something else may have lain there before the broker was wiped.
        let parked = "select count(*) from parked_events where topic = $1 and id > $2
                      and (partition, \"offset\") in (select * from unnest($3::integer[], $4::bigint[]))";
        let parked: i64 = sqlx::query_scalar(parked)
            .bind(side.announces_on())
            .bind(last.unwrap_or_default())
            .bind(&partitions)
            .bind(&offsets)
            .fetch_one(ground.pool(side.other()))
            .await?;
        Ok((parked.unsigned_abs() == records).then_some(parked.unsigned_abs()))
    });
    parked.await?.with_context(|| format!("{records} records are not parked after {PARKED_WITHIN:?}"))
}

/// Says where they lie, and has it noted.
async fn write_poison(ground: &mut Ground, side: Side, records: u64, drawn: u64) -> Result<Vec<Spot>> {
    let (bootstrap, topic) = (ground.kafka.bootstrap(), side.announces_on());
    let mut dice = Dice::of(drawn, WRITING);
    let poison: Vec<Record> = (0..records).map(|number| unreadable(&mut dice, number, side)).collect();
    let spots = broker::produce(bootstrap, topic, &poison).await?;
    ground.archive.poisoned(side, spots.iter().copied());
    Ok(spots)
}

/// Each kind in turn. None of them names an order that is there: what claims to be a repeat may be taken for one.
fn unreadable(dice: &mut Dice, number: u64, side: Side) -> Record {
    let order = Uuid::from_u128(u128::from(dice.below(u64::MAX)) << 64 | u128::from(dice.below(u64::MAX)));
    let partition = i32::try_from(dice.below(u64::from(crate::ground::PARTITIONS))).unwrap_or(0);
    let noise: Vec<u8> = (0..dice.between(1, 200)).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect();
    let key = Some(order.to_string().into_bytes());
    let record = |key, headers, payload| Record { partition, offset: 0, key, headers, payload };
    match number % 6 {
        0 => record(Some(noise.clone()), Vec::new(), Some(noise)),
        1 => record(None, Vec::new(), Some(b"{\"items\": [".to_vec())),
        2 => record(key, Vec::new(), None),
        3 => record(key, headers(order, "OrderTeleported", side), Some(json!({}).to_string().into_bytes())),
        4 => record(key, headers(order, side.first_event(), side), Some(noise)),
        _ => record(key, vec![("ce_specversion".to_owned(), Some(vec![0xff, 0xfe])), ("ce_id".to_owned(), None)], None),
    }
}

fn headers(order: Uuid, kind: &str, side: Side) -> Vec<(String, Option<Vec<u8>>)> {
    let schema = format!("urn:order-delivery:{kind}:1");
    let order = order.to_string();
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", &order),
        ("ce_source", side.source()),
        ("ce_type", kind),
        ("ce_time", "2026-01-01T00:00:00.000000Z"),
        ("ce_subject", &order),
        ("ce_sequence", "1"),
        ("ce_correlationid", &order),
        ("ce_causationid", "nobody"),
        ("ce_dataschema", &schema),
        ("content-type", "application/json"),
    ];
    headers.map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec()))).into()
}
