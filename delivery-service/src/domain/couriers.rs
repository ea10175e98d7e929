//! Who carries how much.

use std::collections::HashMap;

use super::{CourierChange, Put, Refusal};

/// Somebody who carries parcels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Courier {
    /// The shop's name for them.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// How many parcels they can carry at once.
    pub capacity: i64,
    /// How many they carry: deliveries that are scheduled with them or dispatched.
    pub load: i64,
}

/// The couriers that a batch of commands is about. Each command sees what the ones before it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Couriers(HashMap<String, Courier>);

impl Couriers {
    /// These couriers.
    #[must_use]
    pub fn new(couriers: impl IntoIterator<Item = Courier>) -> Self {
        Self(couriers.into_iter().map(|courier| (courier.id.clone(), courier)).collect())
    }

    /// The same before these couriers were there.
    #[must_use]
    pub fn without(mut self, couriers: &[String]) -> Self {
        self.0.retain(|id, _| !couriers.contains(id));
        self
    }

    /// The courier of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Courier> {
        self.0.get(id)
    }

    /// Adds a courier, or gives the one of the same id another name and capacity. They go on carrying what they carry.
    ///
    /// # Errors
    /// They carry more than that; nothing is changed.
    pub fn put(&mut self, id: &str, name: &str, capacity: i64) -> Result<Put, Refusal> {
        let load = self.find(id).map_or(0, |courier| courier.load);
        if load > capacity {
            return Err(Refusal::CapacityBelowLoad { courier: id.to_owned(), load });
        }
        let courier = Courier { id: id.to_owned(), name: name.to_owned(), capacity, load };
        Ok(Put::of(self.0.insert(id.to_owned(), courier).as_ref()))
    }

    /// Who has room for one parcel more.
    ///
    /// # Errors
    /// There is no such courier, or they carry as much as they can.
    pub fn with_room(&self, id: &str) -> Result<&Courier, Refusal> {
        let courier = self.find(id).ok_or_else(|| Refusal::UnknownCourier { courier: id.to_owned() })?;
        if courier.load >= courier.capacity {
            return Err(Refusal::CourierFull { courier: id.to_owned(), capacity: courier.capacity });
        }
        Ok(courier)
    }

    /// Counts what a decision changed. A courier who is not among these is nobody's business here.
    pub fn apply(&mut self, change: &CourierChange) {
        if let Some(courier) = self.0.get_mut(change.courier()) {
            courier.load += change.parcels();
        }
    }
}
