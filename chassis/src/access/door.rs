//! The door that every request to a route passes.

use anyhow::Result;
use axum::extract::{MatchedPath, Request};
use http::HeaderMap;

use super::{
    bearer,
    keys::KeyRing,
    principal::Principal,
    refused::Refused,
    rules::{Rule, Table},
    settings::AccessSettings,
    stored,
    tokens::Tokens,
};

/// Who is let in, and to what.
pub struct Access {
    rules: Table,
    door: Door,
}

enum Door {
    /// Everybody may do everything that somebody may.
    Open,
    /// Who shows something that is good.
    Guarded { tokens: Option<Box<Tokens>>, keys: KeyRing },
}

impl Access {
    /// Nobody is asked for anything; a route without a rule is for nobody all the same.
    ///
    /// # Errors
    /// When rules contradict each other.
    pub fn open(rules: &[Rule]) -> Result<Self> {
        Ok(Self { rules: Table::new(rules.iter().copied())?, door: Door::Open })
    }

    /// As the settings say.
    ///
    /// # Errors
    /// The same, or when the keys of tokens cannot be read.
    pub(crate) fn new(rules: &[Rule], settings: &AccessSettings, keys: KeyRing) -> Result<Self> {
        if settings.open_on_loopback {
            tracing::warn!("nobody is asked for credentials (--open-on-loopback)");
            return Self::open(rules);
        }
        let tokens = settings.token_keys.clone().map(|path| Tokens::read(settings, path)).transpose()?.map(Box::new);
        if tokens.is_none() {
            tracing::warn!("no tokens are accepted, only API keys: no --token-keys");
        }
        Ok(Self { rules: Table::new(rules.iter().copied())?, door: Door::Guarded { tokens, keys } })
    }

    /// Lets a request in, and writes on it who asks; or says why not.
    pub(crate) async fn admit(&self, request: &mut Request) -> Result<(), Refused> {
        // Not handed on as a whole: a request cannot be looked at by two threads, and so not be waited with.
        let principal = self.principal(request.headers()).await;
        match principal.and_then(|principal| self.judge(request, principal)) {
            Ok(principal) => {
                request.extensions_mut().insert(principal);
                Ok(())
            }
            Err(refused) => {
                metrics::counter!("access_refused_total", "reason" => refused.name()).increment(1);
                tracing::debug!("not let in: {refused:?}");
                Err(refused)
            }
        }
    }

    fn judge(&self, request: &Request, principal: Principal) -> Result<Principal, Refused> {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let may = self.rules.who_may(request.method(), route).ok_or(Refused::NoRule)?;
        if !may.meets(principal.scopes) {
            return Err(Refused::Forbidden(may));
        }
        tracing::debug!(
            subject = &*principal.subject,
            "let in: {} as {:?}",
            principal.subject,
            principal.scopes.names()
        );
        Ok(principal)
    }

    async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refused> {
        let (tokens, keys) = match &self.door {
            Door::Open => return Ok(Principal::anonymous()),
            Door::Guarded { tokens, keys } => (tokens, keys),
        };
        let credentials = bearer::credentials(headers)?;
        if credentials.starts_with(stored::PREFIX) {
            return keys.verify(credentials).await;
        }
        tokens.as_ref().ok_or(Refused::Invalid("a token, where none are accepted"))?.verify(credentials)
    }
}
