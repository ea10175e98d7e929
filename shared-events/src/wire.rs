//! The envelope in CloudEvents 1.0, Kafka protocol binding, binary mode: attributes are headers, data is the value.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{Cause, Envelope, Event, EventId, EventKind, OrderId, Version};

/// The media type of every event's data.
pub const CONTENT_TYPE: &str = "application/json";

/// An envelope in the parts that a Kafka record has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The order id as text: what the partition is chosen by.
    pub key: String,
    /// Names and values, in a fixed order.
    pub headers: Vec<(&'static str, String)>,
    /// The event's data as JSON.
    pub data: Vec<u8>,
}

/// Why a record is not an event that this contract can read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The type, or this version of it, is not in the contract this program was built with. A newer one may read it.
    #[error("unknown schema: {0}")]
    UnknownSchema(String),
    /// It is broken: a header is missing or malformed, or the data is not what its type says.
    #[error("{0}")]
    Undecodable(String),
}

fn undecodable(why: impl Into<String>) -> Unreadable {
    Unreadable::Undecodable(why.into())
}

/// What stands in `ce_dataschema`: names the golden schema file `contract/<Type>.v<n>.schema.json`.
#[must_use]
pub fn data_schema(kind: EventKind) -> String {
    format!("urn:order-delivery:{kind}:{}", kind.schema_version())
}

/// An instant as RFC 3339 in UTC, to the microsecond.
#[must_use]
pub fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Everything of an envelope that travels in headers. An event log keeps these beside the bytes of the data, and can
/// announce an event again without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// The event's id.
    pub id: EventId,
    /// The service that announces it.
    pub source: &'static str,
    /// The event's name, as it was when it was first announced.
    pub event_type: String,
    /// The schema of its data, as it was then.
    pub data_schema: String,
    /// The order.
    pub order_id: OrderId,
    /// Its place on its lane.
    pub version: Version,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// What made it happen.
    pub cause: Cause,
}

impl Attributes {
    /// The headers, in a fixed order.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.fold_headers(Vec::new(), |mut headers, name, value| {
            headers.push((name, value.to_owned()));
            headers
        })
    }

    /// Adds the headers, in a fixed order, to whatever collects them.
    pub fn fold_headers<T>(&self, start: T, add: impl Fn(T, &'static str, &str) -> T) -> T {
        let order_id = self.order_id.to_string();
        let headers = [
            ("ce_specversion", "1.0"),
            ("ce_id", &self.id.to_string()),
            ("ce_source", self.source),
            ("ce_type", &self.event_type),
            ("ce_time", &time_text(self.time)),
            ("ce_subject", &order_id),
            ("ce_sequence", &self.version.to_string()),
            ("ce_correlationid", &order_id),
            ("ce_causationid", &self.cause.id),
            ("ce_dataschema", &self.data_schema),
            ("content-type", CONTENT_TYPE),
        ];
        let headers = headers.into_iter().fold(start, |headers, (name, value)| add(headers, name, value));
        match &self.cause.trace_parent {
            Some(trace_parent) => add(headers, "traceparent", trace_parent),
            None => headers,
        }
    }
}

impl Envelope {
    /// What travels in headers.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let kind = self.event.kind();
        Attributes {
            id: self.id,
            source: kind.topic().source(),
            event_type: kind.name().to_owned(),
            data_schema: data_schema(kind),
            order_id: self.order_id,
            version: self.version,
            time: self.time,
            cause: self.cause.clone(),
        }
    }

    /// The parts of the Kafka record that carries this envelope.
    ///
    /// # Errors
    /// Never for envelopes made of this crate's types; serde's signature has the error.
    pub fn to_wire(&self) -> serde_json::Result<Wire> {
        let headers = self.attributes().headers();
        Ok(Wire { key: self.order_id.to_string(), headers, data: self.event.to_json()? })
    }

    /// Reads an envelope back. `header` gives a header's bytes by name.
    ///
    /// # Errors
    /// [`Unreadable`] says whether the record is broken or only newer than this program.
    pub fn from_wire<'a>(header: impl Fn(&str) -> Option<&'a [u8]>, data: &[u8]) -> Result<Self, Unreadable> {
        let header = Headers(header);
        if header.text("ce_specversion")? != "1.0" {
            return Err(undecodable("ce_specversion is not 1.0"));
        }
        let kind = kind(&header)?;
        check_content_type(&header)?;
        Ok(Envelope {
            id: header.parse("ce_id")?,
            order_id: order_id(&header)?,
            version: version(&header)?,
            time: header.parse("ce_time")?,
            cause: Cause {
                id: header.text("ce_causationid")?.to_owned(),
                trace_parent: header.optional("traceparent")?.map(str::to_owned),
            },
            event: Event::from_json(kind, data).map_err(|error| undecodable(format!("data of {kind}: {error}")))?,
        })
    }

    /// As much as can be told of a record that cannot be read whole: which order, and which version.
    pub fn place_of<'a>(header: impl Fn(&str) -> Option<&'a [u8]>) -> Option<(OrderId, Version)> {
        let header = Headers(header);
        match (header.parse("ce_subject"), version(&header)) {
            (Ok(order_id), Ok(version)) => Some((order_id, version)),
            (Ok(_) | Err(_), Err(_)) | (Err(_), Ok(_)) => None,
        }
    }
}

fn kind<'a>(header: &Headers<impl Fn(&str) -> Option<&'a [u8]>>) -> Result<EventKind, Unreadable> {
    let kind: EventKind = header
        .text("ce_type")?
        .parse()
        .map_err(|unknown: crate::UnknownEventKind| Unreadable::UnknownSchema(unknown.to_string()))?;
    let schema = header.text("ce_dataschema")?;
    if schema != data_schema(kind) {
        return Err(Unreadable::UnknownSchema(format!("`{schema}` is not a schema of {kind} that this program knows")));
    }
    let source = header.text("ce_source")?;
    if source != kind.topic().source() {
        return Err(undecodable(format!("ce_source is `{source}`, which does not announce {kind}")));
    }
    Ok(kind)
}

/// The order, named alike by subject and correlation: a saga *is* an order, so a record of two orders is of neither.
fn order_id<'a>(header: &Headers<impl Fn(&str) -> Option<&'a [u8]>>) -> Result<OrderId, Unreadable> {
    let order_id: OrderId = header.parse("ce_subject")?;
    let saga: OrderId = header.parse("ce_correlationid")?;
    if saga != order_id {
        return Err(undecodable(format!("ce_correlationid is {saga}, but ce_subject is {order_id}")));
    }
    Ok(order_id)
}

/// CloudEvents lets the media type be left out where it is JSON.
fn check_content_type<'a>(header: &Headers<impl Fn(&str) -> Option<&'a [u8]>>) -> Result<(), Unreadable> {
    let Some(content_type) = header.optional("content-type")? else { return Ok(()) };
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(CONTENT_TYPE) {
        return Err(undecodable(format!("content-type is `{content_type}`, not {CONTENT_TYPE}")));
    }
    Ok(())
}

fn version<'a>(header: &Headers<impl Fn(&str) -> Option<&'a [u8]>>) -> Result<Version, Unreadable> {
    let version: i64 = header.parse("ce_sequence")?;
    if version < 1 {
        return Err(undecodable(format!("ce_sequence is {version}, and versions begin at 1")));
    }
    Ok(Version(version))
}

struct Headers<F>(F);

impl<'a, F: Fn(&str) -> Option<&'a [u8]>> Headers<F> {
    fn optional(&self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        (self.0)(name)
            .map(std::str::from_utf8)
            .transpose()
            .map_err(|error| undecodable(format!("header {name}: {error}")))
    }

    fn text(&self, name: &str) -> Result<&'a str, Unreadable> {
        self.optional(name)?.ok_or_else(|| undecodable(format!("header {name} is missing")))
    }

    fn parse<T: FromStr>(&self, name: &str) -> Result<T, Unreadable>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name)?.parse().map_err(|error: T::Err| undecodable(format!("header {name}: {error}")))
    }
}
