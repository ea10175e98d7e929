//! Tokens against a file of keys, without a server. What is damaged or forged in all manners is in `tests/saga/access/forged.rs`.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

use super::*;

/// A directory that goes with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("chassis-tokens-{}", clock::fresh_id().simple()));
        fs::create_dir(&folder).expect("a directory");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("jwks.json")
    }

    pub(super) fn has(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        fs::write(self.file(), json!({ "keys": keys }).to_string()).expect("written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("it goes");
    }
}

pub(super) struct Key {
    name: &'static str,
    algorithm: TokenAlgorithm,
    private: EncodingKey,
}

impl Key {
    pub(super) fn new(name: &'static str, algorithm: TokenAlgorithm) -> Self {
        let random = SystemRandom::new();
        let private = match algorithm {
            TokenAlgorithm::EdDsa => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).expect("a key").as_ref())
            }
            TokenAlgorithm::Es256 => {
                let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
                EncodingKey::from_ec_der(key.as_ref())
            }
        };
        Self { name, algorithm, private }
    }

    fn public(&self) -> Value {
        let mut key = Jwk::from_encoding_key(&self.private, self.algorithm.of_tokens()).expect("a public key");
        key.common.key_id = Some(self.name.to_owned());
        json!(key)
    }

    pub(super) fn signs(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm.of_tokens()) };
        encode(&header, claims, &self.private).expect("a token")
    }
}

pub(super) fn claims() -> Value {
    let now = clock::now().timestamp();
    json!({ "iss": "us", "aud": "shop", "sub": "ada", "exp": now + 600, "nbf": now - 60, "scope": "openid customer" })
}

pub(super) fn tokens(folder: &Folder, algorithm: TokenAlgorithm) -> Tokens {
    let settings = AccessSettings {
        token_keys: Some(folder.file()),
        token_issuer: Some("us".to_owned()),
        token_audience: Some("shop".to_owned()),
        token_algorithm: algorithm,
        open_on_loopback: false,
    };
    Tokens::read(&settings, folder.file()).expect("keys of use")
}

/// As if nobody had looked at the file for a while.
fn some_time_passes(tokens: &Tokens) {
    let mut state = tokens.state();
    state.looked_at = state.looked_at.checked_sub(LOOK_EVERY).expect("this machine is older");
}

#[test]
fn a_good_token_says_who_it_is_with_either_algorithm() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Es256] {
        let (folder, key) = (Folder::new(), Key::new("a", algorithm));
        folder.has(&[&key]);
        let tokens = tokens(&folder, algorithm);
        for claims in [claims(), with(claims(), "aud", json!(["others", "shop"]))] {
            let token = key.signs(&claims);
            for _ in 0..2 {
                let who = tokens.verify(&token).expect("it is good");
                assert_eq!((&*who.subject, who.scopes.names()), ("ada", vec!["customer"]));
            }
        }
        assert_eq!(tokens.state().remembered.len(), 2);
    }
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn every_claim_has_to_be_there_and_to_be_right() {
    let (folder, key) = (Folder::new(), Key::new("a", TokenAlgorithm::EdDsa));
    folder.has(&[&key]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    let now = clock::now().timestamp();
    let wrong = [
        ("iss", json!("them")),
        ("iss", json!(["us"])),
        ("iss", json!(null)),
        ("iss", json!(7)),
        ("aud", json!("bar")),
        ("aud", json!([])),
        ("aud", json!(["bar"])),
        ("aud", json!(null)),
        ("aud", json!({})),
        ("sub", json!("")),
        ("sub", json!("a b")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("sub", json!("a/../b")),
        ("exp", json!(null)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(-1)),
        ("exp", json!(true)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1e300)),
        ("nbf", json!(now + 600)),
        ("nbf", json!("soon")),
        ("nbf", json!(-1)),
        ("scope", json!("")),
        ("scope", json!("openid")),
        ("scope", json!(["customer"])),
        ("scope", json!(null)),
        ("scope", json!("Customer")),
    ];
    for (name, value) in wrong {
        let refused = tokens.verify(&key.signs(&with(claims(), name, value.clone())));
        assert!(matches!(refused, Err(Refused::Invalid(_))), "{name} = {value}: {refused:?}");
        let mut without = claims();
        without.as_object_mut().expect("an object").remove(name);
        // Only this one may be missing.
        assert_eq!(tokens.verify(&key.signs(&without)).is_ok(), name == "nbf", "without {name}");
    }
    assert_eq!(tokens.verify(&key.signs(&with(claims(), "exp", json!(now - 60)))), Err(Refused::Expired));
    assert!(tokens.verify(&key.signs(&with(claims(), "exp", json!(now - 2)))).is_ok(), "clocks may differ a little");
}

#[test]
fn a_header_that_asks_for_anything_else_is_refused() {
    let (folder, key) = (Folder::new(), Key::new("a", TokenAlgorithm::EdDsa));
    folder.has(&[&key]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    let plain = || Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let signed = |header: Header| tokens.verify(&encode(&header, &claims(), &key.private).expect("a token"));
    assert!(signed(plain()).is_ok());
    assert!(signed(Header { typ: Some("at+JWT".to_owned()), ..plain() }).is_ok());
    assert!(signed(Header { kid: None, ..plain() }).is_ok(), "there is only one key");
    for header in [
        Header { crit: Some(vec!["exp".to_owned()]), ..plain() },
        Header { typ: Some("dpop+jwt".to_owned()), ..plain() },
        Header { kid: Some("b".to_owned()), ..plain() },
    ] {
        assert!(matches!(signed(header.clone()), Err(Refused::Invalid(_))), "{header:?}");
    }
    let other = Key::new("a", TokenAlgorithm::EdDsa);
    assert!(matches!(tokens.verify(&other.signs(&claims())), Err(Refused::Invalid(_))), "another key of the same name");
    let es256 = Key::new("a", TokenAlgorithm::Es256);
    assert!(matches!(tokens.verify(&es256.signs(&claims())), Err(Refused::Invalid(_))), "another algorithm");
}

#[test]
fn a_remembered_token_expires_like_any_other() {
    let (folder, key) = (Folder::new(), Key::new("a", TokenAlgorithm::EdDsa));
    folder.has(&[&key]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    let claims = claims();
    let token = key.signs(&claims);
    assert!(tokens.verify(&token).is_ok());
    let until = tokens.state().remembered.values().next().expect("it is remembered").until.timestamp();
    assert_eq!(Some(until), claims["exp"].as_i64().map(|exp| exp + i64::from(LEEWAY_S)));
    tokens.state().remembered.values_mut().for_each(|known| known.until = clock::now());
    assert_eq!(tokens.verify(&token), Err(Refused::Expired));
}

#[test]
fn keys_change_while_it_runs_and_what_was_remembered_goes_with_the_old_ones() {
    let (folder, old, new) =
        (Folder::new(), Key::new("old", TokenAlgorithm::EdDsa), Key::new("new", TokenAlgorithm::EdDsa));
    folder.has(&[&old]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    let (by_old, by_new) = (old.signs(&claims()), new.signs(&claims()));
    assert!(tokens.verify(&by_old).is_ok());
    folder.has(&[&old, &new]);
    some_time_passes(&tokens);
    assert!(tokens.verify(&by_new).is_ok() && tokens.verify(&by_old).is_ok());
    folder.has(&[&new]);
    some_time_passes(&tokens);
    assert!(tokens.verify(&by_new).is_ok());
    assert!(matches!(tokens.verify(&by_old), Err(Refused::Invalid(_))));
}

#[test]
fn a_new_key_is_looked_for_at_once_but_not_at_each_token_that_names_one() {
    let (folder, old, new) =
        (Folder::new(), Key::new("old", TokenAlgorithm::EdDsa), Key::new("new", TokenAlgorithm::EdDsa));
    folder.has(&[&old]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    folder.has(&[&new]);
    let just_looked =
        |ago: Duration| tokens.state().looked_at = Instant::now().checked_sub(ago).expect("this machine is older");
    just_looked(Duration::ZERO);
    assert!(tokens.verify(&new.signs(&claims())).is_err(), "it was looked for a moment ago");
    just_looked(LOOK_FOR_A_KEY_EVERY);
    assert!(tokens.verify(&new.signs(&claims())).is_ok());
}

#[test]
fn a_file_that_is_of_no_use_leaves_the_former_keys() {
    let (folder, key) = (Folder::new(), Key::new("a", TokenAlgorithm::EdDsa));
    folder.has(&[&key]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    for broken in ["", "{", "{\"keys\": []}"] {
        fs::write(folder.file(), broken).expect("written");
        some_time_passes(&tokens);
        assert!(tokens.verify(&key.signs(&claims())).is_ok(), "{broken}");
    }
    fs::remove_file(folder.file()).expect("it goes");
    some_time_passes(&tokens);
    assert!(tokens.verify(&key.signs(&claims())).is_ok(), "no file");
    let other = Key::new("b", TokenAlgorithm::EdDsa);
    folder.has(&[&other]);
    some_time_passes(&tokens);
    assert!(tokens.verify(&other.signs(&claims())).is_ok() && tokens.verify(&key.signs(&claims())).is_err());
}

#[test]
fn no_more_tokens_are_remembered_than_there_is_room_for() {
    let (folder, key) = (Folder::new(), Key::new("a", TokenAlgorithm::EdDsa));
    folder.has(&[&key]);
    let tokens = tokens(&folder, TokenAlgorithm::EdDsa);
    let token = |n: usize| Remembered { principal: Principal::new(&n.to_string(), Scopes::ALL), until: clock::now() };
    let digest = |n: usize| Sha256::digest(n.to_be_bytes()).into();
    tokens.state().remembered.extend((0..MOST_REMEMBERED).map(|n| (digest(n), token(n))));
    assert!(tokens.verify(&key.signs(&claims())).is_ok());
    assert_eq!(tokens.state().remembered.len(), 1);
}
