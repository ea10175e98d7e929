//! Who may do what. Every route has a [`Rule`] that names the scopes that may; a route without one is refused.
//!
//! Credentials travel as `Authorization: Bearer …`: a token that somebody else has issued and signed (`tokens`), or one of our own
//! API keys (`keys`). Either makes a [`Principal`], which handlers take as an argument where it matters who asks. Whoever may see only
//! what is their own is narrowed by the statement that reads ([`Principal::narrowed_to`]), so that what is foreign is not there.

mod bearer;
mod door;
mod keys;
mod keyset;
mod principal;
mod refused;
mod routes;
mod rules;
mod settings;
mod stored;
mod tokens;

use crate::{http::lookout, operations};

pub use door::Access;
pub(crate) use keys::KeyRing;
pub use principal::{Principal, Scope, Scopes};
pub(crate) use routes::routes;
pub use rules::Rule;
pub use settings::{AccessSettings, TokenAlgorithm};

/// Who may use what the chassis gives to every service: the rules of each part of it that has routes.
pub const OPERATOR_RULES: &[&[Rule]] = &[routes::RULES, lookout::RULES, operations::RULES];
