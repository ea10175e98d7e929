//! Who asks.

use std::{fmt, str::FromStr, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::http::Problem;

/// What somebody is to us, and so what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Places orders, and sees their own.
    Customer,
    /// Brings parcels, and sees those that are theirs to bring.
    Courier,
    /// Looks after the catalogue, zones, couriers, orders and deliveries.
    Staff,
    /// Looks after the services.
    Operator,
}

/// The text names no scope of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScope(pub String);

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no scope", self.0)
    }
}

impl std::error::Error for UnknownScope {}

impl Scope {
    /// Every one there is.
    pub const ALL: [Scope; 4] = [Scope::Customer, Scope::Courier, Scope::Staff, Scope::Operator];

    /// Its name in tokens, in requests and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scope::Customer => "customer",
            Scope::Courier => "courier",
            Scope::Staff => "staff",
            Scope::Operator => "operator",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// Some scopes; there may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// All of them.
    pub const ALL: Scopes = Scopes::of(&Scope::ALL);

    /// These.
    #[must_use]
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut at) = (0, 0);
        // No iterator: this is worked out by the compiler.
        while at < scopes.len() {
            bits |= scopes[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// Those of ours among the words of a text (RFC 8693 §4.2). What else stands there is for others.
    #[must_use]
    pub fn among(text: &str) -> Self {
        text.split(' ').filter_map(|word| word.parse().ok()).collect()
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether any is in both.
    #[must_use]
    pub const fn meets(self, others: Scopes) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::name).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Somebody who has shown who they are. Every handler behind the door can have it as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Their name: a customer's id, a courier's id, whoever of the shop. It has the shape of [`crate::http::Name`].
    pub subject: Arc<str>,
    /// What they may.
    pub scopes: Scopes,
}

impl Principal {
    /// Somebody of that name.
    #[must_use]
    pub fn new(subject: &str, scopes: Scopes) -> Self {
        Self { subject: subject.into(), scopes }
    }

    /// Everybody, where no credentials are asked for.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("anonymous", Scopes::ALL)
    }

    /// Whose orders and jobs they may see: only those under their own name, unless they look after everybody's. A statement that reads
    /// is given this, and so is a decision under a row's lock.
    #[must_use]
    pub fn narrowed_to(&self) -> Option<&Arc<str>> {
        let sees_all = self.scopes.meets(Scopes::of(&[Scope::Staff, Scope::Operator]));
        (!sees_all).then_some(&self.subject)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Principal>().cloned().ok_or_else(|| {
            tracing::error!("{} is not behind the door", parts.uri.path());
            Problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_among_words_that_are_for_others() {
        let read = |text| Scopes::among(text).names();
        assert_eq!(read("openid staff profile customer"), ["customer", "staff"]);
        assert!(read("").is_empty() && read("Staff staffer staff,customer").is_empty());
        assert_eq!(Scopes::ALL.names().len(), 4);
    }

    #[test]
    fn only_who_looks_after_everybody_sees_everything() {
        let narrowed = |scopes: &[Scope]| Principal::new("ada", Scopes::of(scopes)).narrowed_to().is_some();
        assert!(
            narrowed(&[Scope::Customer]) && narrowed(&[Scope::Courier]) && narrowed(&[Scope::Customer, Scope::Courier])
        );
        assert!(
            !narrowed(&[Scope::Staff]) && !narrowed(&[Scope::Operator]) && !narrowed(&[Scope::Customer, Scope::Staff])
        );
    }
}
