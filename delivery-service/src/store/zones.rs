//! Zones, the way to them, and the places of their days.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Tx;
use chrono::NaiveDate;
use shared_events::Slot;

use super::{Made, places};
use crate::domain::{Destination, Places, Plan, Routes, Zone, prefixes_of};

/// Makes rows for those zones that have none. Returns whose it made.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn create_zones(tx: &mut Tx<'_>, zones: &BTreeMap<&str, &Zone>) -> sqlx::Result<Vec<String>> {
    if zones.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = zones.keys().copied().collect();
    let countries: Vec<&str> = zones.values().map(|zone| zone.country.as_str()).collect();
    let capacities: Vec<i64> = zones.values().map(|zone| zone.capacity_per_day).collect();
    let limits: Vec<i64> = zones.values().map(|zone| zone.weight_limit_g).collect();
    sqlx::query_scalar!(
        r#"
        insert into zones (id, country, capacity_per_day, weight_limit_g)
        select id, country, capacity, weight
        from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as new (id, country, capacity, weight)
        order by id
        on conflict (id) do nothing
        returning id
        "#,
        &ids as _,
        &countries as _,
        &capacities,
        &limits
    )
    .fetch_all(&mut **tx)
    .await
}

/// The plan for these destinations and zones, with all days after this one. Locks the zones that are needed.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn load_plan(
    tx: &mut Tx<'_>,
    destinations: &[Destination<'_>],
    mut zones: BTreeSet<String>,
    after: NaiveDate,
) -> sqlx::Result<Plan> {
    let routes = routes(tx, destinations).await?;
    zones.extend(destinations.iter().filter_map(|to| Some(routes.zone_of(*to).ok()?.to_owned())));
    let locked = lock_zones(tx, &zones).await?;
    let slots = slots(tx, &zones, after).await?;
    Ok(Plan::routed(routes, locked, slots))
}

/// Locks zones. Their prefixes are not loaded: whoever changes a zone brings them all.
///
/// # Errors
/// The database refuses or does not answer.
async fn lock_zones(tx: &mut Tx<'_>, ids: &BTreeSet<String>) -> sqlx::Result<Vec<Zone>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    sqlx::query_as!(
        Zone,
        r#"
        select id, country, '{}'::text[] as "prefixes!", capacity_per_day, weight_limit_g
        from zones
        where id = any($1)
        order by id
        for no key update
        "#,
        &ids as _
    )
    .fetch_all(&mut **tx)
    .await
}

/// Every zone that could serve one of these destinations.
pub(super) async fn routes(tx: &mut Tx<'_>, destinations: &[Destination<'_>]) -> sqlx::Result<Routes> {
    let wanted: BTreeSet<(&str, String)> = destinations
        .iter()
        .filter_map(|to| Some((to.country, prefixes_of(*to)?)))
        .flat_map(|(country, prefixes)| prefixes.into_iter().map(move |prefix| (country, prefix)))
        .collect();
    let mut routes = Routes::default();
    if wanted.is_empty() {
        return Ok(routes);
    }
    let (countries, prefixes): (Vec<&str>, Vec<String>) = wanted.into_iter().unzip();
    let rows = sqlx::query!(
        r#"
        select zones.country, zone_prefixes.prefix, zone_prefixes.zone_id
        from unnest($1::text[], $2::text[]) as wanted (country, prefix)
        join zone_prefixes on zone_prefixes.prefix = wanted.prefix
        join zones on zones.id = zone_prefixes.zone_id and zones.country = wanted.country
        "#,
        &countries as _,
        &prefixes
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().for_each(|row| routes.add(&row.country, &row.prefix, &row.zone_id));
    Ok(routes)
}

/// What is taken in these zones on the days after this one.
pub(super) async fn slots(
    tx: &mut Tx<'_>,
    zones: &BTreeSet<String>,
    after: NaiveDate,
) -> sqlx::Result<Vec<(Slot, Places)>> {
    if zones.is_empty() {
        return Ok(Vec::new());
    }
    let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
    let rows = sqlx::query!(
        "select zone_id, date, capacity, taken from slots where zone_id = any($1) and date > $2",
        &zones as _,
        after
    )
    .fetch_all(&mut **tx)
    .await?;
    let slot = |zone, date| Slot { zone, date };
    Ok(rows
        .into_iter()
        .map(|row| (slot(row.zone_id, row.date), Places { capacity: row.capacity, taken: row.taken }))
        .collect())
}

/// Takes and gives back places: two statements, because a row that would be inserted with fewer than none taken is
/// refused before it is found to be there already. The new terms come between them: places may be taken that were not there before,
/// and places may go that were given back.
pub(super) async fn save_zones_and_places(
    tx: &mut Tx<'_>,
    zones: &BTreeMap<String, (Zone, NaiveDate)>,
    made: &[Made],
) -> sqlx::Result<()> {
    let places = places(made);
    give_back(tx, &columns(&places, |difference| difference < 0)).await?;
    save_zones(tx, zones).await?;
    // Also where a place was taken and given back: the delivery names the day, so its row has to be there.
    take(tx, &columns(&places, |difference| difference >= 0)).await
}

/// Zones, dates and differences.
type Columns<'a> = (Vec<&'a str>, Vec<NaiveDate>, Vec<i64>);

fn columns<'a>(places: &BTreeMap<&'a Slot, i64>, is_wanted: impl Fn(i64) -> bool) -> Columns<'a> {
    let wanted = || places.iter().filter(|(_, difference)| is_wanted(**difference));
    (
        wanted().map(|(slot, _)| slot.zone.as_str()).collect(),
        wanted().map(|(slot, _)| slot.date).collect(),
        wanted().map(|(_, difference)| *difference).collect(),
    )
}

async fn give_back(tx: &mut Tx<'_>, (zones, dates, differences): &Columns<'_>) -> sqlx::Result<()> {
    if zones.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update slots
        set taken = taken + new.difference
        from unnest($1::text[], $2::date[], $3::bigint[]) as new (zone_id, date, difference)
        where slots.zone_id = new.zone_id and slots.date = new.date
        "#,
        zones as _,
        dates,
        differences
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn take(tx: &mut Tx<'_>, (zones, dates, differences): &Columns<'_>) -> sqlx::Result<()> {
    if zones.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into slots (zone_id, date, capacity, taken)
        select new.zone_id, new.date, zones.capacity_per_day, new.difference
        from unnest($1::text[], $2::date[], $3::bigint[]) as new (zone_id, date, difference)
        join zones on zones.id = new.zone_id
        on conflict (zone_id, date) do update set taken = slots.taken + excluded.taken
        "#,
        zones as _,
        dates,
        differences
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives zones their new terms, and their days to come with them.
async fn save_zones(tx: &mut Tx<'_>, zones: &BTreeMap<String, (Zone, NaiveDate)>) -> sqlx::Result<()> {
    if zones.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = zones.keys().map(String::as_str).collect();
    let capacities: Vec<i64> = zones.values().map(|(zone, _)| zone.capacity_per_day).collect();
    save_terms(tx, &ids, &capacities, zones).await?;
    save_prefixes(tx, &ids, zones).await?;
    let last_days: Vec<NaiveDate> = zones.values().map(|(_, today)| *today).collect();
    sqlx::query!(
        r#"
        update slots
        set capacity = new.capacity
        from unnest($1::text[], $2::bigint[], $3::date[]) as new (zone_id, capacity, today)
        where slots.zone_id = new.zone_id and slots.date > new.today
        "#,
        &ids as _,
        &capacities,
        &last_days
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn save_terms(
    tx: &mut Tx<'_>,
    ids: &[&str],
    capacities: &[i64],
    zones: &BTreeMap<String, (Zone, NaiveDate)>,
) -> sqlx::Result<()> {
    let countries: Vec<&str> = zones.values().map(|(zone, _)| zone.country.as_str()).collect();
    let limits: Vec<i64> = zones.values().map(|(zone, _)| zone.weight_limit_g).collect();
    sqlx::query!(
        r#"
        update zones
        set country = new.country, capacity_per_day = new.capacity, weight_limit_g = new.weight
        from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as new (id, country, capacity, weight)
        where zones.id = new.id
        "#,
        ids as _,
        &countries as _,
        capacities,
        &limits
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn save_prefixes(tx: &mut Tx<'_>, ids: &[&str], zones: &BTreeMap<String, (Zone, NaiveDate)>) -> sqlx::Result<()> {
    sqlx::query!("delete from zone_prefixes where zone_id = any($1)", ids as _).execute(&mut **tx).await?;
    let prefixes = || zones.values().flat_map(|(zone, _)| zone.prefixes.iter().map(|prefix| (&zone.id, prefix)));
    let (zone_ids, prefixes): (Vec<&str>, Vec<&str>) =
        prefixes().map(|(zone, prefix)| (zone.as_str(), prefix.as_str())).unzip();
    sqlx::query!(
        "insert into zone_prefixes (zone_id, prefix) select * from unnest($1::text[], $2::text[])",
        &zone_ids as _,
        &prefixes as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
