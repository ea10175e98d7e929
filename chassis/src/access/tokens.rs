//! Tokens that somebody else has issued (RFC 7519), signed with one algorithm and no other.
//!
//! Verifying a signature costs more than all the rest of a request, so a token that was good is remembered, by the digest of all of it,
//! until it expires or the file of keys changes. Why: `docs/decisions/0012-remembered-tokens.md`.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    keyset::KeySet,
    principal::{Principal, Scopes},
    refused::Refused,
    settings::{AccessSettings, TokenAlgorithm},
};
use crate::{clock, http::Name};

/// How far the issuer's clock and ours may be apart.
const LEEWAY_S: u16 = 5;
/// How many tokens are remembered. One more, and all are forgotten: each is verified once more.
const MOST_REMEMBERED: usize = 10_000;
/// How often the file is looked at, while anybody comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same when a token names a key that is not known: it may have been added just now.
const LOOK_FOR_A_KEY_EVERY: Duration = Duration::from_millis(100);

/// Judges tokens.
pub(super) struct Tokens {
    path: PathBuf,
    algorithm: TokenAlgorithm,
    validation: Validation,
    state: Mutex<State>,
}

struct State {
    keys: Arc<KeySet>,
    /// What was read last, whether it was of any use or not; nothing where there was nothing to read.
    file: Vec<u8>,
    looked_at: Instant,
    remembered: HashMap<[u8; 32], Remembered>,
}

struct Remembered {
    principal: Principal,
    until: DateTime<Utc>,
}

/// What a token has to say. A claim of another type is as good as none.
#[derive(Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "that it is one text is all that is left to find out")]
    iss: String,
    sub: String,
    exp: u32,
    #[expect(dead_code, reason = "that it is a number is all that is left to find out")]
    nbf: Option<u32>,
    scope: String,
}

impl Tokens {
    /// # Errors
    /// When the file cannot be read, or has no key of use.
    pub fn read(settings: &AccessSettings, path: PathBuf) -> Result<Self> {
        let algorithm = settings.token_algorithm;
        let file = fs::read(&path).with_context(|| format!("{} cannot be read (--token-keys)", path.display()))?;
        let keys = KeySet::read(&file, algorithm)
            .with_context(|| format!("{} is of no use (--token-keys)", path.display()))?;
        let state = State { keys: Arc::new(keys), file, looked_at: Instant::now(), remembered: HashMap::new() };
        Ok(Self { path, algorithm, validation: validation(settings), state: Mutex::new(state) })
    }

    /// Who shows this token, if it is good.
    pub fn verify(&self, token: &str) -> Result<Principal, Refused> {
        let digest = Sha256::digest(token).into();
        let keys = {
            let mut state = self.look(LOOK_EVERY);
            if let Some(known) = state.remembered.get(&digest) {
                if clock::now() < known.until {
                    return Ok(known.principal.clone());
                }
                state.remembered.remove(&digest);
                return Err(Refused::Expired);
            }
            Arc::clone(&state.keys)
        };
        let name = self.name_of_key(token)?;
        let keys = match keys.find(name.as_deref()) {
            Some(_) => keys,
            None => Arc::clone(&self.look(LOOK_FOR_A_KEY_EVERY).keys),
        };
        let (principal, until) = self.judge(token, &keys, name.as_deref())?;
        self.remember(digest, &keys, Remembered { principal: principal.clone(), until });
        Ok(principal)
    }

    /// The name of the key that the token says it is signed with. Whatever the rest of its header asks for is refused.
    fn name_of_key(&self, token: &str) -> Result<Option<String>, Refused> {
        let dots = token.bytes().filter(|byte| *byte == b'.').count();
        let header = decode_header(token).ok().filter(|_| dots == 2).ok_or(Refused::Invalid("no token"))?;
        if header.alg != self.algorithm.of_tokens() {
            return Err(Refused::Invalid("another algorithm"));
        }
        let is_a_token = header.typ.is_none_or(|typ| ["jwt", "at+jwt"].contains(&typ.to_ascii_lowercase().as_str()));
        let is_plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
        if is_a_token && is_plain { Ok(header.kid) } else { Err(Refused::Invalid("a header that is not understood")) }
    }

    fn judge(&self, token: &str, keys: &KeySet, name: Option<&str>) -> Result<(Principal, DateTime<Utc>), Refused> {
        let key = keys.find(name).ok_or(Refused::Invalid("an unknown key"))?;
        metrics::counter!("access_tokens_verified_total").increment(1);
        let claims = decode::<Claims>(token, key, &self.validation).map_err(|error| {
            tracing::debug!(%error, "a token is not accepted: {error}");
            let has_expired = matches!(error.kind(), ErrorKind::ExpiredSignature);
            if has_expired { Refused::Expired } else { Refused::Invalid("signature or claims") }
        })?;
        claims.claims.principal()
    }

    /// Not where the keys have changed meanwhile: then nothing is known any more.
    fn remember(&self, digest: [u8; 32], keys: &Arc<KeySet>, token: Remembered) {
        let mut state = self.state();
        if !Arc::ptr_eq(&state.keys, keys) {
            return;
        }
        if state.remembered.len() >= MOST_REMEMBERED {
            state.remembered.clear();
        }
        state.remembered.insert(digest, token);
    }

    /// What is known, after a look at the file unless there was one not so long ago. All of it is read: it is short, and what is
    /// replaced within one tick of the file system's clock looks unchanged from outside.
    fn look(&self, every: Duration) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.looked_at.elapsed() < every {
            return state;
        }
        state.looked_at = Instant::now();
        let read = fs::read(&self.path);
        let file = read.as_deref().unwrap_or_default();
        if state.file == file {
            return state;
        }
        state.file = file.to_vec();
        match read.map_err(anyhow::Error::from).and_then(|file| KeySet::read(&file, self.algorithm)) {
            Ok(keys) => {
                tracing::info!("the keys of tokens in {} have changed", self.path.display());
                state.keys = Arc::new(keys);
                state.remembered.clear();
            }
            Err(error) => {
                metrics::counter!("access_token_keys_unreadable_total").increment(1);
                tracing::error!(%error, "the former keys of tokens stay: {} is of no use: {error:#}", self.path.display());
            }
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims {
    /// Issuer, audience and times have been looked at; what is left is who it is.
    fn principal(self) -> Result<(Principal, DateTime<Utc>), Refused> {
        let Name(subject) = self.sub.parse().map_err(|_| Refused::Invalid("a subject that is no name"))?;
        let scopes = Scopes::among(&self.scope);
        if scopes.is_empty() {
            return Err(Refused::Invalid("no scope of ours"));
        }
        let ends = DateTime::from_timestamp(self.exp.into(), 0).ok_or(Refused::Invalid("no moment"))?;
        Ok((Principal::new(&subject, scopes), ends + TimeDelta::seconds(LEEWAY_S.into())))
    }
}

impl TokenAlgorithm {
    fn of_tokens(self) -> Algorithm {
        match self {
            TokenAlgorithm::EdDsa => Algorithm::EdDSA,
            TokenAlgorithm::Es256 => Algorithm::ES256,
        }
    }
}

fn validation(settings: &AccessSettings) -> Validation {
    let mut validation = Validation::new(settings.token_algorithm.of_tokens());
    validation.leeway = LEEWAY_S.into();
    validation.validate_nbf = true;
    validation.set_issuer(settings.token_issuer.as_slice());
    validation.set_audience(settings.token_audience.as_slice());
    validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    validation
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
