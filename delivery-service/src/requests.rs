//! What staff and couriers ask for: load → decide → save, a batch at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chassis::http::{Answer, Problem};
use chassis::{Asked, Failure, Requests, Tx};
use chrono::NaiveDate;
use http::StatusCode;
use shared_events::DeliveryId;

use crate::domain::{Command, Couriers, Delivery, Means, Plan, Put, Status, Terms, Zone};
use crate::http::{CourierView, DeliveryView, ZoneView};
use crate::store::{self, Changes, Made, Origin, Stored, Transition};

/// Something that people ask of this service and that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Something about one delivery.
    Deliver {
        /// Which.
        id: DeliveryId,
        /// What.
        command: Command,
        /// For whom it has to be there: for a courier it is, if they are to bring it. Nobody: for whoever asks.
        courier: Option<Arc<str>>,
    },
    /// A zone, new or with new terms.
    PutZone(Zone),
    /// A courier, new or with another name and capacity.
    PutCourier {
        /// Who.
        id: String,
        /// What people call them.
        name: String,
        /// How many parcels they can carry.
        capacity: i64,
    },
}

/// Answers requests.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRequests {
    /// What was settled with the couriers.
    pub terms: Terms,
}

impl Requests for DeliveryRequests {
    type Request = Request;

    async fn decide(&self, tx: &mut Tx<'_>, asked: &[&Asked<Request>]) -> Result<Vec<Answer>, Failure> {
        let mut desk = Desk::load(tx, asked, self.terms).await?;
        let answers = asked.iter().map(|asked| desk.answer(asked).unwrap_or_else(Answer::from)).collect();
        store::save(tx, &desk.changes).await?;
        Ok(answers)
    }
}

/// What one batch is about, as the requests before the next one have left it.
struct Desk {
    terms: Terms,
    deliveries: HashMap<DeliveryId, Stored>,
    transitions: HashMap<DeliveryId, Vec<Transition>>,
    plan: Plan,
    couriers: Couriers,
    changes: Changes,
}

impl Desk {
    /// Locks and loads in the order that `store` prescribes.
    async fn load(tx: &mut Tx<'_>, asked: &[&Asked<Request>], terms: Terms) -> sqlx::Result<Self> {
        let wanted = Wanted::of(asked);
        let deliveries = match wanted.deliveries.as_slice() {
            [] => Vec::new(),
            ids => store::lock_deliveries(tx, ids, &[]).await?,
        };
        let transitions = match wanted.deliveries.as_slice() {
            [] => HashMap::new(),
            ids => store::transitions(tx, ids).await?,
        };
        let plan = load_plan(tx, &wanted, &deliveries).await?;
        let couriers = load_couriers(tx, &wanted, &deliveries).await?;
        let deliveries = deliveries.into_iter().map(|stored| (stored.delivery.id, stored)).collect();
        Ok(Self { terms, deliveries, transitions, plan, couriers, changes: Changes::default() })
    }

    fn answer(&mut self, asked: &Asked<Request>) -> Result<Answer, Problem> {
        match &asked.request {
            Request::Deliver { id, command, courier } => self.deliver(*id, command, courier.as_deref(), asked),
            Request::PutZone(zone) => self.put_zone(zone, asked),
            Request::PutCourier { id, name, capacity } => self.put_courier(id, name, *capacity),
        }
    }

    fn deliver(
        &mut self,
        id: DeliveryId,
        command: &Command,
        courier: Option<&str>,
        asked: &Asked<Request>,
    ) -> Result<Answer, Problem> {
        let is_there = |stored: &&Stored| courier.is_none() || stored.delivery.courier.as_deref() == courier;
        let stored = self.deliveries.get(&id).filter(is_there).ok_or_else(|| Problem::not_found("delivery"))?;
        let number = stored.changes + 1;
        let mut means = Means { plan: &mut self.plan, couriers: &mut self.couriers, terms: self.terms };
        let decision = stored.delivery.clone().decide(command.clone(), &mut means, asked.stamp)?;
        let before = stored.delivery.status;
        if decision.changes_nothing() {
            return Ok(self.shown(&decision.delivery));
        }
        let decision = decision.due(&self.terms);
        let made = Made { decision, number, origin: Origin::Command(command.name()), cause: asked.cause.clone() };
        if made.decision.delivery.status != before {
            self.transitions.entry(id).or_default().push(made.transition());
        }
        self.deliveries.insert(id, made.stored());
        let answer = self.shown(&made.decision.delivery);
        self.changes.made.push(made);
        Ok(answer)
    }

    fn shown(&self, delivery: &Delivery) -> Answer {
        let transitions = self.transitions.get(&delivery.id).map_or(&[][..], Vec::as_slice);
        Answer::json(StatusCode::OK, &DeliveryView::of(delivery, transitions))
    }

    fn put_zone(&mut self, zone: &Zone, asked: &Asked<Request>) -> Result<Answer, Problem> {
        let put = self.plan.put_zone(zone.clone(), asked.stamp)?;
        self.changes.zones.insert(zone.id.clone(), (zone.clone(), asked.stamp.at.date_naive()));
        Ok(put_answer(put, "zones", &zone.id, &ZoneView::of(zone)))
    }

    fn put_courier(&mut self, id: &str, name: &str, capacity: i64) -> Result<Answer, Problem> {
        let put = self.couriers.put(id, name, capacity)?;
        self.changes.couriers.insert(id.to_owned(), (name.to_owned(), capacity));
        let courier = self.couriers.find(id).ok_or_else(Problem::internal)?;
        Ok(put_answer(put, "couriers", id, &CourierView::of(courier)))
    }
}

fn put_answer(put: Put, collection: &str, id: &str, body: &impl serde::Serialize) -> Answer {
    match put {
        Put::Created => Answer::json(StatusCode::CREATED, body).at(format!("/{collection}/{id}")),
        Put::Replaced => Answer::json(StatusCode::OK, body),
    }
}

/// What the requests of a batch name.
#[derive(Default)]
struct Wanted<'a> {
    deliveries: Vec<DeliveryId>,
    /// The deliveries among them that may give back their place.
    failing: HashSet<DeliveryId>,
    /// Those that may get another one.
    attempted: HashSet<DeliveryId>,
    /// Couriers that parcels are assigned to.
    couriers: BTreeSet<String>,
    /// The first of each: what is inserted if there is none yet.
    put_zones: BTreeMap<&'a str, &'a Zone>,
    put_couriers: BTreeMap<&'a str, (&'a str, i64)>,
    /// The earliest day on which any of them is decided.
    today: NaiveDate,
}

impl<'a> Wanted<'a> {
    fn of(asked: &[&'a Asked<Request>]) -> Self {
        let today = asked.iter().map(|asked| asked.stamp.at.date_naive()).min().unwrap_or_default();
        let mut wanted = Self { today, ..Self::default() };
        asked.iter().for_each(|asked| wanted.note(&asked.request));
        wanted
    }

    fn note(&mut self, request: &'a Request) {
        match request {
            Request::PutZone(zone) => {
                self.put_zones.entry(&zone.id).or_insert(zone);
            }
            Request::PutCourier { id, name, capacity } => {
                self.put_couriers.entry(id).or_insert((name, *capacity));
            }
            Request::Deliver { id, command, courier: _ } => {
                self.deliveries.push(*id);
                match command {
                    Command::AssignCourier { courier } => {
                        self.couriers.insert(courier.clone());
                    }
                    Command::Fail { .. } => {
                        self.failing.insert(*id);
                    }
                    Command::Attempt { .. } => {
                        self.attempted.insert(*id);
                    }
                    Command::Dispatch | Command::Complete { .. } => {}
                }
            }
        }
    }
}

impl Wanted<'_> {
    /// Whether its place may change hands: then its zone is locked. What is scheduled may be dispatched by the same batch.
    fn may_move(&self, delivery: &Delivery) -> bool {
        match delivery.status {
            Status::Scheduled => self.failing.contains(&delivery.id) || self.attempted.contains(&delivery.id),
            Status::Dispatched => self.attempted.contains(&delivery.id),
            Status::Void | Status::Refused | Status::Failed | Status::Delivered | Status::Cancelled => false,
        }
    }
}

async fn load_plan(tx: &mut Tx<'_>, wanted: &Wanted<'_>, deliveries: &[Stored]) -> sqlx::Result<Plan> {
    let created = store::create_zones(tx, &wanted.put_zones).await?;
    let mut zones: BTreeSet<String> = deliveries
        .iter()
        .filter(|stored| wanted.may_move(&stored.delivery))
        .filter_map(|stored| Some(stored.delivery.slot.as_ref()?.zone.clone()))
        .collect();
    zones.extend(wanted.put_zones.keys().map(|id| (*id).to_owned()));
    let known = store::load_plan(tx, &[], &zones, wanted.today).await?;
    Ok(known.without(&created))
}

async fn load_couriers(tx: &mut Tx<'_>, wanted: &Wanted<'_>, deliveries: &[Stored]) -> sqlx::Result<Couriers> {
    let created = store::create_couriers(tx, &wanted.put_couriers).await?;
    let mut ids = wanted.couriers.clone();
    ids.extend(deliveries.iter().filter_map(|stored| stored.delivery.courier.clone()));
    ids.extend(wanted.put_couriers.keys().map(|id| (*id).to_owned()));
    let known = store::lock_couriers(tx, &ids).await?;
    Ok(known.without(&created))
}
