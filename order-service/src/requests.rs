//! What people ask over HTTP: load → decide → save, for a whole batch.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use anyhow::anyhow;
use chassis::{
    Asked, Failure, Requests, Tx,
    access::{Principal, Scope},
    audit,
    http::{Answer, Problem},
    planted::{Bug, planted},
};
use http::StatusCode;
use shared_events::{DeliveryCancelled, Event, OrderId};

use crate::{
    domain::{
        CancelledBy, Catalogue, Command, Decision, Order, PlaceOrder, ProductDetails, Put, Refusal, Status, StockMove,
        Terms,
    },
    http::{OrderView, ProductView, refused},
    store::{self, HistoryLine, Known, Saved},
};

/// One thing that somebody asks.
#[derive(Debug, Clone)]
pub enum Request {
    /// A customer orders.
    Place(Arc<PlaceOrder>),
    /// A customer orders while no orders are taken: refused, unless the order was placed before and this only asks again.
    TurnAway(Problem),
    /// An order is to be cancelled.
    Cancel {
        /// Which.
        order_id: OrderId,
        /// Who wants it.
        by: CancelledBy,
        /// Why, where an operator says so.
        reason: Option<String>,
        /// Whose request it is: a customer's order is there for that customer only.
        asked_by: Principal,
    },
    /// The shop sells something new, or says something new of it.
    PutProduct {
        /// Which article.
        sku: String,
        /// What is said of it.
        details: ProductDetails,
    },
    /// Pieces arrive in the warehouse.
    Receive {
        /// Of which article.
        sku: String,
        /// How many.
        quantity: u32,
    },
}

/// Decides what people ask of the order side.
#[derive(Debug, Clone, Copy)]
pub struct OrderRequests {
    /// How long an order waits for what.
    pub terms: Terms,
}

impl Requests for OrderRequests {
    type Request = Request;

    async fn decide(&self, tx: &mut Tx<'_>, asked: &[&Asked<Request>]) -> Result<Vec<Answer>, Failure> {
        let mut batch = Batch::load(tx, asked, self.terms).await?;
        let answers = asked.iter().map(|one| batch.decide(one)).collect();
        batch.save(tx).await?;
        Ok(answers)
    }
}

/// All that a batch is about, in memory. Each request sees what the earlier ones did.
struct Batch {
    terms: Terms,
    orders: HashMap<OrderId, Known>,
    catalogue: Catalogue,
    saved: Vec<Saved>,
    put: BTreeMap<String, Put>,
    received: Vec<StockMove>,
    /// What operators did: whose order, who, and why.
    audited: Vec<(OrderId, Principal, String)>,
}

impl Batch {
    /// Orders first, then products: the order of locks.
    async fn load(tx: &mut Tx<'_>, asked: &[&Asked<Request>], terms: Terms) -> sqlx::Result<Self> {
        let (mut order_ids, mut skus) = (BTreeSet::new(), BTreeSet::new());
        for Asked { request, .. } in asked {
            match request {
                Request::Place(place) => skus.extend(place.items.iter().map(|wanted| wanted.sku.clone())),
                Request::TurnAway(_) => {}
                Request::Cancel { order_id, .. } => drop(order_ids.insert(*order_id)),
                Request::PutProduct { sku, details: _ } | Request::Receive { sku, quantity: _ } => {
                    skus.insert(sku.clone());
                }
            }
        }
        let orders = store::lock_known(tx, &order_ids.into_iter().collect::<Vec<_>>()).await?;
        let products = store::load_products(tx, &skus.into_iter().collect::<Vec<_>>()).await?;
        let catalogue = products.into_iter().collect();
        Ok(Self::of(terms, orders, catalogue))
    }

    fn of(terms: Terms, orders: HashMap<OrderId, Known>, catalogue: Catalogue) -> Self {
        let (saved, put, received, audited) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
        Self { terms, orders, catalogue, saved, put, received, audited }
    }

    fn decide(&mut self, asked: &Asked<Request>) -> Answer {
        match &asked.request {
            Request::Place(place) => self.place(place, asked),
            Request::TurnAway(problem) => problem.clone().into(),
            Request::Cancel { order_id, by, reason, asked_by } => {
                self.cancel(*order_id, *by, reason.as_deref(), asked_by, asked)
            }
            Request::PutProduct { sku, details } => self.put_product(sku, details),
            Request::Receive { sku, quantity } => self.receive(sku, *quantity),
        }
    }

    fn place(&mut self, place: &PlaceOrder, asked: &Asked<Request>) -> Answer {
        match Order::place(PlaceOrder::clone(place), &mut self.catalogue, asked.stamp) {
            Ok(decision) => {
                metrics::counter!("orders_placed_total").increment(1);
                let location = format!("/orders/{}", decision.order.id);
                self.keep(None, decision, asked).answer(StatusCode::CREATED).at(location)
            }
            Err(refusal) => {
                metrics::counter!("orders_refused_total", "reason" => refusal.code()).increment(1);
                refused(&refusal).into()
            }
        }
    }

    fn cancel(
        &mut self,
        order_id: OrderId,
        by: CancelledBy,
        reason: Option<&str>,
        asked_by: &Principal,
        asked: &Asked<Request>,
    ) -> Answer {
        let is_there = |known: &&Known| asked_by.narrowed_to().is_none_or(|own| **own == known.order.customer_id);
        let Some(known) = self.orders.get(&order_id).filter(is_there) else {
            return Problem::not_found("order").into();
        };
        match known.order.clone().decide(Command::Cancel { by }, asked.stamp) {
            Ok(decision) if decision.change.is_some() => {
                // As an operator, or because they are one: neither staff nor whose order it is.
                let others_may = asked_by.scopes.has(Scope::Staff) || *asked_by.subject == known.order.customer_id;
                if by == CancelledBy::Operator || !others_may {
                    self.audited.push((order_id, asked_by.clone(), reason.unwrap_or("not said").to_owned()));
                }
                let before = known.order.status;
                if planted(Bug::RefundBeforeAnswer) {
                    let answer = Event::DeliveryCancelled(DeliveryCancelled {});
                    let undone = decision.order.clone().react(&answer, asked.stamp);
                    self.keep(Some(before), decision, asked);
                    return self.keep(Some(Status::Cancelling), undone, asked).answer(StatusCode::ACCEPTED);
                }
                self.keep(Some(before), decision, asked).answer(StatusCode::ACCEPTED)
            }
            Ok(_) => known.answer(StatusCode::OK),
            Err(refusal) => refused(&refusal).into(),
        }
    }

    /// Remembers a decision for those that follow, and for the end.
    fn keep(&mut self, before: Option<Status>, decision: Decision, asked: &Asked<Request>) -> &Known {
        let decision = decision.due(&self.terms);
        let line = decision.change.as_ref().map(|change| HistoryLine::of(change, &asked.cause));
        let order = decision.order.clone();
        let known = match self.orders.entry(order.id) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.order = order;
                known
            }
            Entry::Vacant(free) => free.insert(Known { order, history: Vec::new() }),
        };
        known.history.extend(line);
        self.saved.push(Saved { before, decision, stamp: asked.stamp, cause: asked.cause.clone(), event: None });
        known
    }

    fn put_product(&mut self, sku: &str, details: &ProductDetails) -> Answer {
        match self.catalogue.put(sku, details.clone()) {
            Ok(put) => {
                self.put.entry(sku.to_owned()).or_insert(put);
                match put {
                    Put::Created => self.product(StatusCode::CREATED, sku),
                    Put::Replaced => self.product(StatusCode::OK, sku),
                }
            }
            Err(refusal) => refused(&refusal).into(),
        }
    }

    fn receive(&mut self, sku: &str, quantity: u32) -> Answer {
        match self.catalogue.receive(sku, quantity) {
            Ok(moved) => {
                self.received.push(moved);
                self.product(StatusCode::OK, sku)
            }
            // Here the article is what the address names.
            Err(Refusal::UnknownSku { .. }) => Problem::not_found("product").into(),
            Err(refusal) => refused(&refusal).into(),
        }
    }

    fn product(&self, status: StatusCode, sku: &str) -> Answer {
        match self.catalogue.product(sku) {
            Some(product) => Answer::json(status, &ProductView::of(sku, product)),
            None => Problem::not_found("product").into(),
        }
    }

    /// New articles first, because orders refer to them.
    async fn save(self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let of_kind = |kind: Put| {
            let skus = self.put.iter().filter(move |(_, put)| **put == kind).map(|(sku, _)| sku.as_str());
            skus.filter_map(|sku| Some((sku, &self.catalogue.product(sku)?.details))).collect::<Vec<_>>()
        };
        let created = of_kind(Put::Created);
        if store::insert_products(tx, &created).await? < created.len() {
            // Tried again, the batch sees it and decides anew.
            return Err(Failure::Transient(anyhow!("another instance has just created the same product")));
        }
        store::replace_details(tx, &of_kind(Put::Replaced)).await?;
        store::save(tx, &self.saved, &self.received).await?;
        for (order_id, by, reason) in &self.audited {
            audit::record(tx, by, "cancel_order", &format!("order {order_id}"), reason, serde_json::json!({})).await?;
        }
        Ok(())
    }
}

impl Known {
    fn answer(&self, status: StatusCode) -> Answer {
        Answer::json(status, &OrderView::of(self))
    }
}

#[cfg(test)]
mod tests {
    use chassis::access::Scopes;
    use serde_json::{Value, json};
    use shared_events::{Address, Cause, EventId, Stamp, Version};

    use super::*;

    fn asked(number: u128, request: Request) -> Asked<Request> {
        let id = uuid::Uuid::from_u128(number);
        let stamp = Stamp { at: chrono::DateTime::UNIX_EPOCH, event_id: EventId(id), fresh_id: id };
        Asked { request, stamp, cause: Cause { id: number.to_string(), trace_parent: None } }
    }

    fn put(price_minor: i64) -> Request {
        let currency = "EUR".parse().expect("a currency");
        let details = ProductDetails { name: "Lamp".to_owned(), price_minor, currency, weight_g: 1 };
        Request::PutProduct { sku: "lamp".to_owned(), details }
    }

    fn place(quantity: u32) -> Request {
        let text = || "x".to_owned();
        let delivery_address = Address {
            recipient: text(),
            line1: text(),
            line2: None,
            city: text(),
            postal_code: text(),
            country: "DE".to_owned(),
        };
        Request::Place(Arc::new(PlaceOrder {
            customer_id: text(),
            currency: "EUR".parse().expect("a currency"),
            items: vec![crate::domain::Wanted { sku: "lamp".to_owned(), quantity }],
            delivery_address,
            wished_date: None,
            expected_total_minor: None,
        }))
    }

    #[test]
    fn each_request_of_a_batch_sees_what_the_earlier_ones_did() {
        let receive = Request::Receive { sku: "lamp".to_owned(), quantity: 5 };
        let cancel = |asked_by| Request::Cancel {
            order_id: uuid::Uuid::from_u128(4).into(),
            by: CancelledBy::Customer,
            reason: None,
            asked_by,
        };
        let customer = |name| Principal::new(name, Scopes::of(&[Scope::Customer]));
        let (own, foreign) = (|| cancel(customer("x")), cancel(customer("y")));
        let asked: Vec<_> = [place(1), put(10), put(20), receive, place(3), place(3), place(2), foreign, own(), own()]
            .into_iter()
            .zip(0..)
            .map(|(request, number)| asked(number, request))
            .collect();
        let wait = chrono::TimeDelta::minutes(1);
        let terms = Terms { outcome: wait, extensions: 0, cancellation: wait, late_after: wait };
        let mut batch = Batch::of(terms, HashMap::new(), Catalogue::default());
        let answers: Vec<Answer> = asked.iter().map(|one| batch.decide(one)).collect();
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [422, 201, 200, 200, 201, 409, 201, 404, 202, 200]);
        let cancelled: Value = serde_json::from_slice(&answers[9].body).expect("JSON");
        assert_eq!((&cancelled["status"], &cancelled["total"]["amount_minor"]), (&json!("cancelling"), &json!(60)));
        let saved: Vec<_> = batch.saved.iter().map(|one| (one.before, one.decision.order.version)).collect();
        assert_eq!(saved, [(None, Version(1)), (None, Version(1)), (Some(Status::Completed), Version(2))]);
    }
}
