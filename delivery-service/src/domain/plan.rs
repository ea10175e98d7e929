//! Where and when there is room: zones, and the places of their days.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use shared_events::{Address, CreationFailure, MOST_ALTERNATIVES, OrderCompleted, Slot, Stamp};

use super::{Put, Refusal, SlotChange};

/// How many days ahead can be booked, tomorrow being the first.
pub const DAYS_ON_OFFER: u64 = 14;

/// How many letters and digits a zone's prefix has at most.
pub const PREFIX_MAX_CHARS: usize = 10;

/// An area that couriers serve, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The shop's name for it.
    pub id: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// It serves the postal codes that begin with one of these, unless another zone has a longer one that fits.
    pub prefixes: Vec<String>,
    /// How many deliveries a day takes.
    pub capacity_per_day: i64,
    /// What a parcel may weigh.
    pub weight_limit_g: i64,
}

/// The places of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// How many there are.
    pub capacity: i64,
    /// How many are taken.
    pub taken: i64,
}

/// Where a parcel goes, as far as planning has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination<'a> {
    /// ISO 3166-1 alpha-2.
    pub country: &'a str,
    /// As the country writes it.
    pub postal_code: &'a str,
}

impl<'a> From<&'a Address> for Destination<'a> {
    fn from(address: &'a Address) -> Self {
        Self { country: &address.country, postal_code: &address.postal_code }
    }
}

/// Which zone serves which addresses: by country, by prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Routes(HashMap<String, HashMap<String, String>>);

impl Routes {
    /// A zone serves what begins with this prefix. Of two zones with the same prefix the lower id does.
    fn add(&mut self, country: &str, prefix: &str, zone: &str) {
        let of_country = self.0.entry(country.to_owned()).or_default();
        of_country
            .entry(normal_postal_code(prefix))
            .and_modify(|known| {
                if zone < known.as_str() {
                    zone.clone_into(known);
                }
            })
            .or_insert_with(|| zone.to_owned());
    }

    /// The zone with the longest prefix that fits the address.
    ///
    /// # Errors
    /// No postal service could read the address, or no zone serves it.
    fn zone_of(&self, to: Destination<'_>) -> Result<&str, CreationFailure> {
        let code = readable_postal_code(to).ok_or(CreationFailure::AddressInvalid)?;
        let of_country = self.0.get(to.country).ok_or(CreationFailure::ZoneUnserved)?;
        let zone = prefixes_of(&code).find_map(|prefix| of_country.get(prefix));
        zone.map(String::as_str).ok_or(CreationFailure::ZoneUnserved)
    }
}

/// A postal code as prefixes are compared: people write `SW1A 1AA`, `sw1a1aa` and `00-950` alike.
#[must_use]
pub fn normal_postal_code(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_uppercase()).collect()
}

/// The postal code as prefixes are compared. None for an address nobody can read.
#[must_use]
pub fn readable_postal_code(to: Destination<'_>) -> Option<String> {
    let country_is_readable = to.country.len() == 2 && to.country.bytes().all(|b| b.is_ascii_uppercase());
    let code_is_readable = to.postal_code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-');
    let code = normal_postal_code(to.postal_code);
    (country_is_readable && code_is_readable && !code.is_empty()).then_some(code)
}

/// The prefixes by which a zone could serve a [`normal_postal_code`], the longest first.
pub fn prefixes_of(code: &str) -> impl Iterator<Item = &str> {
    (1..=code.len().min(PREFIX_MAX_CHARS)).rev().filter_map(|chars| code.get(..chars))
}

/// The zones and slots that a batch of events is about. Each event sees what the ones before it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    routes: Routes,
    zones: HashMap<String, Zone>,
    slots: HashMap<Slot, Places>,
}

impl Plan {
    /// These zones, and the slots of which something is known. A day of which nothing is known has all its places.
    #[must_use]
    pub fn new(zones: impl IntoIterator<Item = Zone>, slots: impl IntoIterator<Item = (Slot, Places)>) -> Self {
        let zones: HashMap<String, Zone> = zones.into_iter().map(|zone| (zone.id.clone(), zone)).collect();
        let mut routes = Routes::default();
        for zone in zones.values() {
            zone.prefixes.iter().for_each(|prefix| routes.add(&zone.country, prefix, &zone.id));
        }
        Self { routes, zones, slots: slots.into_iter().collect() }
    }

    /// Whether there is such a zone.
    #[must_use]
    pub fn has_zone(&self, id: &str) -> bool {
        self.zones.contains_key(id)
    }

    /// The same plan before these zones were there.
    #[must_use]
    pub fn without(mut self, zones: &[String]) -> Self {
        self.zones.retain(|id, _| !zones.contains(id));
        self
    }

    /// The zone of this id.
    #[must_use]
    pub fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.get(id)
    }

    /// How many places a slot has, and how many of them are taken.
    #[must_use]
    pub fn places(&self, slot: &Slot) -> Places {
        let capacity = self.zone(&slot.zone).map_or(0, |zone| zone.capacity_per_day);
        self.slots.get(slot).copied().unwrap_or(Places { capacity, taken: 0 })
    }

    /// Counts the places that a decision took or gave back.
    pub fn apply(&mut self, change: &SlotChange) {
        for (slot, places) in change.places() {
            let before = self.places(slot);
            self.slots.insert(slot.clone(), Places { taken: before.taken + places, ..before });
        }
    }

    /// Finds the slot for an order and takes a place in it: on the wished day, or else on the earliest with room.
    ///
    /// # Errors
    /// It does not fit; the plan is as it was.
    pub fn take(&mut self, order: &OrderCompleted, weight_g: i64, stamp: Stamp) -> Result<Slot, CreationFailure> {
        let zone = self.zone_for((&order.delivery_address).into(), weight_g)?;
        let slot = self
            .free_slots(&zone.id, stamp.at.date_naive())
            .find(|slot| order.wished_date.is_none_or(|wished| wished == slot.date))
            .ok_or(CreationFailure::SlotFull)?;
        self.apply(&SlotChange::Take(slot.clone()));
        Ok(slot)
    }

    /// The next slots with room for such a parcel, at most so many, the earliest first: an order that wishes one of these
    /// days gets it.
    ///
    /// # Errors
    /// There is none: an order without a wish would be refused for the same reason.
    pub fn options(
        &self,
        to: Destination<'_>,
        weight_g: i64,
        today: NaiveDate,
        most: usize,
    ) -> Result<Vec<Slot>, CreationFailure> {
        let zone = self.zone_for(to, weight_g)?;
        let options: Vec<Slot> = self.free_slots(&zone.id, today).take(most).collect();
        if options.is_empty() { Err(CreationFailure::SlotFull) } else { Ok(options) }
    }

    /// What to offer to an order that was refused for this reason: other days, where it was the day that did not fit.
    #[must_use]
    pub fn alternatives(
        &self,
        order: &OrderCompleted,
        weight_g: i64,
        reason: CreationFailure,
        stamp: Stamp,
    ) -> Vec<Slot> {
        let (to, today) = ((&order.delivery_address).into(), stamp.at.date_naive());
        match reason {
            CreationFailure::SlotFull => self.options(to, weight_g, today, MOST_ALTERNATIVES).unwrap_or_default(),
            CreationFailure::AddressInvalid
            | CreationFailure::ZoneUnserved
            | CreationFailure::Overweight
            | CreationFailure::Unprocessable => Vec::new(),
        }
    }

    /// A slot of the same zone on a later day: the wished one, or else the earliest with room.
    ///
    /// # Errors
    /// There is none; these later ones have room.
    pub fn later_slot(&self, than: &Slot, wished: Option<NaiveDate>, today: NaiveDate) -> Result<Slot, Vec<Slot>> {
        let later = || self.free_slots(&than.zone, today).filter(|slot| slot.date > than.date);
        let found = later().find(|slot| wished.is_none_or(|wished| wished == slot.date));
        found.ok_or_else(|| later().take(MOST_ALTERNATIVES).collect())
    }

    /// Adds a zone, or gives the one of the same id new terms. What is known of its days to come has them too; today and
    /// before stay as they were. The way to it is not touched: a batch that plans changes no zones.
    ///
    /// # Errors
    /// More is taken on some day to come than the new terms allow; the plan is as it was.
    pub fn put_zone(&mut self, zone: Zone, stamp: Stamp) -> Result<Put, Refusal> {
        let today = stamp.at.date_naive();
        let is_to_come = |slot: &Slot| slot.zone == zone.id && slot.date > today;
        let too_full = |(slot, places): (&Slot, &Places)| {
            (is_to_come(slot) && places.taken > zone.capacity_per_day).then_some(slot.date)
        };
        let mut days: Vec<NaiveDate> = self.slots.iter().filter_map(too_full).collect();
        if !days.is_empty() {
            days.sort_unstable();
            return Err(Refusal::CapacityBelowTaken { zone: zone.id, days });
        }
        self.slots
            .iter_mut()
            .filter(|(slot, _)| is_to_come(slot))
            .for_each(|(_, places)| places.capacity = zone.capacity_per_day);
        Ok(Put::of(self.zones.insert(zone.id.clone(), zone).as_ref()))
    }

    /// The zone that serves this address.
    ///
    /// # Errors
    /// Nobody could read the address, or nobody serves it.
    pub fn zone_of(&self, to: Destination<'_>) -> Result<&Zone, CreationFailure> {
        let id = self.routes.zone_of(to)?;
        self.zone(id).ok_or(CreationFailure::ZoneUnserved)
    }

    /// The same, if its couriers carry what weighs so much.
    fn zone_for(&self, to: Destination<'_>, weight_g: i64) -> Result<&Zone, CreationFailure> {
        let zone = self.zone_of(to)?;
        if weight_g > zone.weight_limit_g { Err(CreationFailure::Overweight) } else { Ok(zone) }
    }

    /// The slots of a zone that can be booked today and have room, the earliest first. The only place that knows how they
    /// are found.
    fn free_slots(&self, zone: &str, today: NaiveDate) -> impl Iterator<Item = Slot> {
        days_on_offer(today).map(move |date| Slot { zone: zone.to_owned(), date }).filter(|slot| {
            let places = self.places(slot);
            places.taken < places.capacity
        })
    }
}

/// The days that can be booked on this day, the earliest first.
fn days_on_offer(today: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    (1..=DAYS_ON_OFFER).filter_map(move |days| today.checked_add_days(Days::new(days)))
}
