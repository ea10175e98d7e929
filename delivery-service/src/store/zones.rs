//! Zones, the way to them, and the places of their days.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Tx;
use chrono::NaiveDate;
use shared_events::Slot;
use sqlx::PgPool;

use super::{Made, places};
use crate::domain::{Destination, Places, Plan, Zone, prefixes_of, readable_postal_code};

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

/// One list of columns, and one way to find them, for every plan: the zones with these ids and all that could serve one of these
/// prefixes, with those of their prefixes that are asked for.
macro_rules! select_zones_to_plan {
    ($tail:literal, $ids:expr, $wanted:expr) => {
        sqlx::query_as!(
            Zone,
            "select id, country, capacity_per_day, weight_limit_g,
                    array(select prefix from zone_prefixes where zone_id = zones.id and prefix = any($3)) as \"prefixes!\"
             from zones
             where id = any($1::text[] || array(
                 select serving.id
                 from unnest($2::text[], $3::text[]) as wanted (country, prefix)
                 join zone_prefixes on zone_prefixes.prefix = wanted.prefix
                 join zones serving on serving.id = zone_prefixes.zone_id and serving.country = wanted.country))
             order by id " + $tail,
            $ids as _,
            &$wanted.0 as _,
            &$wanted.1
        )
    };
}

/// The plan for these destinations and zones, with all days after this one. Locks every zone that could serve a destination.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn load_plan(
    tx: &mut Tx<'_>,
    destinations: &[Destination<'_>],
    zones: &BTreeSet<String>,
    after: NaiveDate,
) -> sqlx::Result<Plan> {
    if destinations.is_empty() && zones.is_empty() {
        return Ok(Plan::default());
    }
    let ids: Vec<&str> = zones.iter().map(String::as_str).collect();
    let wanted = wanted(destinations);
    let zones = select_zones_to_plan!("for no key update", &ids, wanted).fetch_all(&mut **tx).await?;
    planned(tx, zones, after).await
}

/// The plan for this destination as it is at this moment, with all days after this one. Whoever is first takes what it shows.
///
/// # Errors
/// The database refuses or does not answer.
pub async fn find_plan(pool: &PgPool, to: Destination<'_>, after: NaiveDate) -> sqlx::Result<Plan> {
    let mut snapshot = Tx::from(pool.begin_with("begin isolation level repeatable read read only").await?);
    let (ids, wanted) = (Vec::<&str>::new(), wanted(&[to]));
    let zones = select_zones_to_plan!("", &ids, wanted).fetch_all(&mut *snapshot).await?;
    let plan = planned(&mut snapshot, zones, after).await?;
    snapshot.rollback().await?;
    Ok(plan)
}

/// Countries, and the prefixes by which a zone there could serve one of these destinations: each pair once.
fn wanted<'a>(destinations: &[Destination<'a>]) -> (Vec<&'a str>, Vec<String>) {
    let codes: BTreeSet<(&str, String)> =
        destinations.iter().filter_map(|to| Some((to.country, readable_postal_code(*to)?))).collect();
    let wanted: BTreeSet<(&str, &str)> =
        codes.iter().flat_map(|(country, code)| prefixes_of(code).map(move |prefix| (*country, prefix))).collect();
    wanted.into_iter().map(|(country, prefix)| (country, prefix.to_owned())).unzip()
}

/// The zones with what is taken in them. In a statement of its own: what is read is what is there since they are locked.
async fn planned(tx: &mut Tx<'_>, zones: Vec<Zone>, after: NaiveDate) -> sqlx::Result<Plan> {
    let slots = slots(tx, &zones, after).await?;
    Ok(Plan::new(zones, slots))
}

/// What is taken in these zones on the days after this one.
async fn slots(tx: &mut Tx<'_>, zones: &[Zone], after: NaiveDate) -> sqlx::Result<Vec<(Slot, Places)>> {
    if zones.is_empty() {
        return Ok(Vec::new());
    }
    let zones: Vec<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
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
