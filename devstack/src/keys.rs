//! Development keys: whoever can read the one file can be anybody, so they are for a machine on which nobody minds.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

/// Who issues tokens that are signed with a development key (`iss`).
pub const TOKEN_ISSUER: &str = "development";
/// For whom they are (`aud`).
pub const TOKEN_AUDIENCE: &str = "order-delivery";
/// All that anybody may do.
pub const ALL_SCOPES: &str = "customer courier staff operator";

const PUBLIC: &str = "jwks.json";
const PRIVATE: &str = "signing-key.pem";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key that tokens are signed with (EdDSA).
#[derive(Clone, Debug)]
pub struct SigningKey {
    der: Vec<u8>,
    public: Jwk,
}

impl SigningKey {
    /// A key nobody has had before.
    pub fn fresh() -> Result<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        Self::of(pkcs8.map_err(|_| anyhow!("No key could be made."))?.as_ref())
    }

    /// The key in this file.
    pub fn read(file: &Path) -> Result<Self> {
        let unusable = || format!("{} has no development key.", file.display());
        let text = fs::read_to_string(file).with_context(|| format!("{} could not be read.", file.display()))?;
        let lines = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END)).with_context(unusable)?;
        let der = BASE64_STANDARD.decode(lines.split_whitespace().collect::<String>()).with_context(unusable)?;
        Self::of(&der).with_context(unusable)
    }

    fn of(der: &[u8]) -> Result<Self> {
        let mut public = Jwk::from_encoding_key(&EncodingKey::from_ed_der(der), Algorithm::EdDSA)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { der: der.to_vec(), public })
    }

    /// What others may know of it: an entry of a JWKS. Tokens call it by its `kid`.
    pub fn public(&self) -> Value {
        json!(self.public)
    }

    /// A token for this subject with these scopes, separated by blanks.
    pub fn token(&self, subject: &str, scopes: &str, valid: Duration) -> Result<String> {
        let now = get_current_timestamp();
        self.sign(&json!({
            "iss": TOKEN_ISSUER, "aud": TOKEN_AUDIENCE, "sub": subject, "scope": scopes,
            "iat": now, "exp": now + valid.as_secs(),
        }))
    }

    /// A token that says whatever this says.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &EncodingKey::from_ed_der(&self.der)).context("The token could not be signed.")
    }

    fn pem(&self) -> String {
        format!("{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(&self.der))
    }
}

/// A signing key and what services need of it, each in a file.
#[derive(Clone, Debug)]
pub struct DevelopmentKeys {
    /// The key.
    pub signing: SigningKey,
    directory: PathBuf,
}

impl DevelopmentKeys {
    /// The keys in this directory. They are made where there are none; those that are there stay.
    pub fn in_directory(directory: &Path) -> Result<Self> {
        let private = directory.join(PRIVATE);
        let signing = if private.exists() {
            SigningKey::read(&private)?
        } else {
            let signing = SigningKey::fresh()?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&private);
            let written = file.and_then(|mut file| file.write_all(signing.pem().as_bytes()));
            written.with_context(|| format!("{} could not be written.", private.display()))?;
            signing
        };
        let keys = Self { signing, directory: directory.to_owned() };
        keys.publish(&[&keys.signing])?;
        Ok(keys)
    }

    /// Lets services accept tokens that are signed with these keys, and no others.
    pub fn publish(&self, keys: &[&SigningKey]) -> Result<()> {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        let (public, fresh) = (self.public_file(), self.directory.join("jwks.fresh"));
        // In one step: who looks meanwhile must not find half of it.
        let written = fs::write(&fresh, json!({ "keys": keys }).to_string()).and_then(|()| fs::rename(&fresh, &public));
        written.with_context(|| format!("{} could not be written.", public.display()))
    }

    /// The file that services read (`--token-keys`).
    pub fn public_file(&self) -> PathBuf {
        self.directory.join(PUBLIC)
    }

    /// The file to make tokens with (`sagactl token --key`).
    pub fn private_file(&self) -> PathBuf {
        self.directory.join(PRIVATE)
    }

    /// What a service has to be told to accept tokens that are signed with these keys.
    pub fn flags(&self) -> Vec<String> {
        let flags = [
            ("token-keys", self.public_file().display().to_string()),
            ("token-issuer", TOKEN_ISSUER.to_owned()),
            ("token-audience", TOKEN_AUDIENCE.to_owned()),
        ];
        flags.map(|(name, value)| format!("--{name}={value}")).to_vec()
    }
}
