//! The public keys that tokens are signed with, as a file has them.

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde_json::Value;

use super::settings::TokenAlgorithm;

/// What a public key begins with (RFC 8410, RFC 5480) before its own bytes: nothing about it can be otherwise.
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const P256: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

/// Public keys, with the names that tokens call them by.
#[derive(Debug)]
pub(super) struct KeySet(Vec<(Option<String>, DecodingKey)>);

impl KeySet {
    /// Reads a JWKS file, or a single key as PEM.
    ///
    /// # Errors
    /// When it is neither, when it has no key for this algorithm, or one that nobody but the issuer should have.
    pub fn read(file: &[u8], algorithm: TokenAlgorithm) -> Result<Self> {
        let text = std::str::from_utf8(file).context("it is no text")?;
        if let Some(pem) = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----") {
            return Ok(Self(vec![(None, from_pem(pem, algorithm)?)]));
        }
        ensure!(!text.contains("PRIVATE KEY"), "it holds a private key, and a service needs none");
        let document: Value = serde_json::from_str(text).context("it is neither a JWKS nor a public key as PEM")?;
        let is_secret = |key: &Value| key.get("d").is_some() || key.get("k").is_some();
        ensure!(
            !document["keys"].as_array().is_some_and(|keys| keys.iter().any(is_secret)),
            "it holds a private key, and a service needs none"
        );
        let set: JwkSet = serde_json::from_value(document).context("it is no JWKS")?;
        let mut keys: Vec<(Option<String>, DecodingKey)> = Vec::new();
        for jwk in set.keys.iter().filter(|jwk| is_for(jwk, algorithm)) {
            let name = jwk.common.key_id.clone();
            ensure!(keys.iter().all(|(other, _)| *other != name), "two keys have the same name (kid)");
            keys.push((name, checked(DecodingKey::from_jwk(jwk)?, algorithm)?));
        }
        ensure!(!keys.is_empty(), "it has no key for {algorithm:?}");
        Ok(Self(keys))
    }

    /// The key of this name. Without a name, or where the key has none, it has to be the only one.
    pub fn find(&self, name: Option<&str>) -> Option<&DecodingKey> {
        match (self.0.as_slice(), name) {
            ([(None, only)], _) | ([(Some(_), only)], None) => Some(only),
            (keys, Some(name)) => keys.iter().find(|(other, _)| other.as_deref() == Some(name)).map(|(_, key)| key),
            (_, None) => None,
        }
    }
}

/// Whether tokens of this algorithm can be signed with it. A JWKS may have keys of all kinds, for others.
fn is_for(jwk: &Jwk, algorithm: TokenAlgorithm) -> bool {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|it_is_for| *it_is_for == PublicKeyUse::Signature);
    let named = |name: KeyAlgorithm| common.key_algorithm.is_none_or(|given| given == name);
    signs
        && match algorithm {
            TokenAlgorithm::EdDsa => {
                named(KeyAlgorithm::EdDSA)
                    && matches!(&jwk.algorithm, AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519)
            }
            TokenAlgorithm::Es256 => {
                named(KeyAlgorithm::ES256)
                    && matches!(&jwk.algorithm, AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256)
            }
        }
}

fn from_pem(after_begin: &str, algorithm: TokenAlgorithm) -> Result<DecodingKey> {
    let Some((lines, "")) = after_begin.split_once("-----END PUBLIC KEY-----") else { bail!("its PEM does not end") };
    let der = BASE64_STANDARD.decode(lines.split_whitespace().collect::<String>()).context("its PEM is no Base64")?;
    let (begins, key): (_, fn(&[u8]) -> DecodingKey) = match algorithm {
        TokenAlgorithm::EdDsa => (ED25519, DecodingKey::from_ed_der),
        TokenAlgorithm::Es256 => (P256, DecodingKey::from_ec_der),
    };
    let bytes = der.strip_prefix(begins).with_context(|| format!("it is no key for {algorithm:?}"))?;
    checked(key(bytes), algorithm)
}

/// A key of another length could verify nothing, and would be noticed only when somebody comes with a token.
fn checked(key: DecodingKey, algorithm: TokenAlgorithm) -> Result<DecodingKey> {
    let length = match algorithm {
        TokenAlgorithm::EdDsa => 32,
        // Not compressed: 4, x, y.
        TokenAlgorithm::Es256 => 65,
    };
    ensure!(key.try_get_as_bytes()?.len() == length, "a key has the wrong length for {algorithm:?}");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 8037, appendix A.2, and RFC 7517, appendix A.1.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const EC: (&str, &str) =
        ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");

    fn ed(name: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": name })
    }

    fn ec(name: &str) -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": EC.0, "y": EC.1, "kid": name })
    }

    fn read(keys: Value, algorithm: TokenAlgorithm) -> Result<KeySet> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), algorithm)
    }

    #[test]
    fn only_keys_of_the_one_algorithm_are_taken_and_each_by_its_name() {
        let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r" });
        let keys = json!([ed("a"), ec("b"), ed("c"), rsa]);
        for (algorithm, taken) in [(TokenAlgorithm::EdDsa, ["a", "c"].as_slice()), (TokenAlgorithm::Es256, &["b"])] {
            let set = read(keys.clone(), algorithm).expect("a JWKS");
            for name in ["a", "b", "c", "r"] {
                assert_eq!(set.find(Some(name)).is_some(), taken.contains(&name), "{name} of {algorithm:?}");
            }
            assert_eq!(set.find(None).is_some(), taken.len() == 1, "without a name there can be only one");
        }
    }

    #[test]
    fn a_file_that_is_no_use_is_refused() {
        let with = |mut key: Value, name: &str, value: &str| {
            key[name] = value.into();
            json!([key])
        };
        for (keys, why) in [
            (json!([]), "no key"),
            (json!([ec("b")]), "no key"),
            (json!([ed("a"), ed("a")]), "the same name"),
            (with(ed("a"), "use", "enc"), "no key"),
            (with(ed("a"), "alg", "ES256"), "no key"),
            (with(ed("a"), "x", "AAAA"), "length"),
            (with(ed("a"), "d", X), "private"),
        ] {
            let refused = read(keys.clone(), TokenAlgorithm::EdDsa).expect_err("it is no use");
            assert!(format!("{refused:#}").contains(why), "{keys}: {refused:#}");
        }
        for file in [&b""[..], b"{", b"[]", b"\xff", b"{\"keys\": 1}", b"-----BEGIN PRIVATE KEY-----"] {
            assert!(KeySet::read(file, TokenAlgorithm::EdDsa).is_err(), "{file:?}");
        }
    }

    #[test]
    fn a_key_as_pem_is_the_same_key() {
        let pem = |begins: &[u8], bytes: &[u8]| {
            let der = BASE64_STANDARD.encode([begins, bytes].concat());
            format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &der[..20], &der[20..])
        };
        for (key, begins, algorithm, other) in [
            (ed("a"), ED25519, TokenAlgorithm::EdDsa, TokenAlgorithm::Es256),
            (ec("a"), P256, TokenAlgorithm::Es256, TokenAlgorithm::EdDsa),
        ] {
            let set = read(json!([key]), algorithm).expect("a JWKS");
            let bytes = set.find(None).expect("the key").try_get_as_bytes().expect("bytes");
            let file = pem(begins, bytes);
            let same = KeySet::read(file.as_bytes(), algorithm).expect("a PEM");
            assert_eq!(same.find(Some("whatever")).expect("the key").try_get_as_bytes().expect("bytes"), bytes);
            assert!(KeySet::read(file.as_bytes(), other).is_err());
            assert!(KeySet::read(&file.as_bytes()[..60], algorithm).is_err());
        }
    }
}
