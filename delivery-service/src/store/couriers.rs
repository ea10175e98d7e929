//! Couriers and what they carry.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Tx;

use super::{Made, parcels};
use crate::domain::{Courier, Couriers};

/// Makes rows for those couriers that have none. Returns whose it made.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn create_couriers(tx: &mut Tx<'_>, couriers: &BTreeMap<&str, (&str, i64)>) -> sqlx::Result<Vec<String>> {
    if couriers.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = couriers.keys().copied().collect();
    let (names, capacities): (Vec<&str>, Vec<i64>) = couriers.values().copied().unzip();
    sqlx::query_scalar!(
        r#"
        insert into couriers (id, name, capacity)
        select id, name, capacity from unnest($1::text[], $2::text[], $3::bigint[]) as new (id, name, capacity)
        order by id
        on conflict (id) do nothing
        returning id
        "#,
        &ids as _,
        &names as _,
        &capacities
    )
    .fetch_all(&mut **tx)
    .await
}

/// Locks couriers.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn lock_couriers(tx: &mut Tx<'_>, ids: &BTreeSet<String>) -> sqlx::Result<Couriers> {
    if ids.is_empty() {
        return Ok(Couriers::default());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let couriers = sqlx::query_as!(
        Courier,
        "select id, name, capacity, load from couriers where id = any($1) order by id for no key update",
        &ids as _
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Couriers::new(couriers))
}

/// Changes names, capacities and loads in one statement: between two, a load could be above a capacity.
pub(super) async fn save_couriers(
    tx: &mut Tx<'_>,
    couriers: &BTreeMap<String, (String, i64)>,
    made: &[Made],
) -> sqlx::Result<()> {
    let parcels = parcels(made);
    let ids: BTreeSet<&str> = couriers.keys().map(String::as_str).chain(parcels.keys().copied()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let names: Vec<Option<&str>> = ids.iter().map(|id| couriers.get(*id).map(|(name, _)| name.as_str())).collect();
    let capacities: Vec<Option<i64>> = ids.iter().map(|id| couriers.get(*id).map(|(_, capacity)| *capacity)).collect();
    let differences: Vec<i64> = ids.iter().map(|id| parcels.get(id).copied().unwrap_or(0)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    sqlx::query!(
        r#"
        update couriers
        set name = coalesce(new.name, couriers.name), capacity = coalesce(new.capacity, couriers.capacity),
            load = load + new.difference
        from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as new (id, name, capacity, difference)
        where couriers.id = new.id
        "#,
        &ids as _,
        &names as _,
        &capacities as _,
        &differences
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
