//! Which parked events somebody wants to replay.

use serde::Serialize;
use shared_events::OrderId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{ALIKE, EVENT_TYPE, MOST_EVENTS, reason};
use crate::{
    http::{Form, Problem},
    messaging::{
        CAUSES,
        kept::{Kept, select_kept},
    },
};

/// How many events a second are replayed unless told.
const USUAL_RATE: i64 = 50;

/// Which events are to be replayed, why, and how fast.
#[derive(Serialize)]
pub(super) struct Wanted {
    ids: Vec<Uuid>,
    cause: Option<String>,
    // Left out where nothing is asked: a key that was used before there were these is still the key of the same act.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    /// As a group shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    order_id: Option<OrderId>,
    pub reason: String,
    pub per_second: i32,
}

/// The events of a set, and how many more there are like them.
pub(super) struct Chosen {
    pub events: Vec<Kept>,
    pub left_out: i64,
}

/// A parked event that is wanted. All of one order have the same lane, and one that names no order has its own.
struct Found {
    id: Uuid,
    lane: Uuid,
    all: i64,
}

impl Wanted {
    pub fn read(mut form: Form) -> Result<Self, Problem> {
        let texts = if form.has("events") { form.texts("events", 1..=MOST_EVENTS, 1..=64) } else { vec![] };
        let ids: Vec<Uuid> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        if ids.len() != texts.len() {
            form.refuse("events", "has to be a list of ids of parked events");
        }
        let by = ["cause", "event_type", "error", "order_id"];
        if texts.is_empty() && !by.iter().any(|field| form.has(field)) {
            form.refuse("", "has to say which: events, cause, event_type, error or order_id");
        }
        let cause = form.optional_text("cause", 1..=20);
        if cause.as_ref().is_some_and(|cause| !CAUSES.contains(&cause.as_str())) {
            form.refuse("cause", format!("has to be one of {}", CAUSES.join(", ")));
        }
        let event_type = form.optional_text("event_type", EVENT_TYPE);
        let error = form.optional_text("error", ALIKE);
        let order_id = form.optional_parsed("order_id", "the id of an order");
        let reason = reason(&mut form);
        let per_second = form.optional_integer("per_second", 1..=1_000).unwrap_or(USUAL_RATE);
        form.finish()?;
        let per_second = i32::try_from(per_second).unwrap_or(1);
        Ok(Self { ids, cause, event_type, error, order_id, reason, per_second })
    }

    /// Those that are named, whatever became of them, or those that wait: as many as a set has room for, and no order in part.
    pub async fn choose(&self, pool: &PgPool) -> sqlx::Result<Chosen> {
        let found = self.find(pool).await?;
        let lanes: Vec<Uuid> = found.iter().map(|one| one.lane).collect();
        let room = room(&lanes, MOST_EVENTS);
        let ids: Vec<Uuid> = found[..room].iter().map(|one| one.id).collect();
        let events = select_kept!("where id = any ($1::uuid[]) order by id", &ids).fetch_all(pool).await?;
        let all = found.first().map_or(0, |one| one.all);
        Ok(Chosen { events, left_out: all - i64::try_from(room).unwrap_or(all) })
    }

    /// Order by order, the one of which something was parked first before the others; and one more than a set has room for.
    async fn find(&self, pool: &PgPool) -> sqlx::Result<Vec<Found>> {
        sqlx::query_as!(
            Found,
            r#"select id, first_value(id) over (partition by coalesce(order_id, id) order by id) as "lane!",
                      count(*) over () as "all!"
               from parked_events parked
               where case when cardinality($1::uuid[]) > 0 then id = any ($1) else resolved_at is null end
                 and ($2::text is null or cause = $2)
                 and ($3::text is null or event_type(parked) = $3)
                 and ($4::text is null or alike(error) = $4)
                 and ($5::uuid is null or order_id = $5)
               order by 2, version, id limit $6"#,
            &self.ids,
            self.cause,
            self.event_type,
            self.error,
            self.order_id.map(|order_id| order_id.0),
            i64::try_from(MOST_EVENTS + 1).unwrap_or(i64::MAX),
        )
        .fetch_all(pool)
        .await
    }
}

/// How many of these there is room for, so that no lane is cut; but for one that is too long to have room by itself, of which the
/// first are taken.
fn room(lanes: &[Uuid], most: usize) -> usize {
    let Some(next) = lanes.get(most) else { return lanes.len() };
    lanes[..most].iter().rposition(|lane| lane != next).map_or(most, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_room_for_whole_lanes_unless_one_is_too_long_for_any_set() {
        for (lanes, room_for) in [
            (&[][..], 0),
            (&[1, 1, 2], 3),
            (&[1, 2, 2, 2], 1),
            (&[1, 1, 2, 2], 2),
            (&[1, 2, 3, 4], 3),
            (&[1, 1, 1, 1], 3),
        ] {
            let ids: Vec<Uuid> = lanes.iter().map(|lane| Uuid::from_u128(*lane)).collect();
            assert_eq!(room(&ids, 3), room_for, "{lanes:?}");
        }
    }
}
