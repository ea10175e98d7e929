//! Thousands of tokens that are nearly right. None is.

use std::{collections::BTreeSet, fs, sync::Arc};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use devstack::{SigningKey, TOKEN_AUDIENCE, TOKEN_ISSUER};
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tests::{Env, Keys, Reply, Shop};

use super::is_refused;

/// How many are on their way at once.
const AT_ONCE: usize = 16;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// What forgers have: a good token, the public key, and keys of their own.
struct Forger {
    good: String,
    /// Of the issuer: only for tokens that are signed as they should be and say what they should not.
    issuer: EncodingKey,
    public: Value,
    other: SigningKey,
}

impl Forger {
    fn new(keys: &Keys) -> Result<Self> {
        let pem = fs::read_to_string(keys.private_file())?;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let issuer = EncodingKey::from_ed_der(&BASE64_STANDARD.decode(body)?);
        let good = keys.token("ada", "customer");
        Ok(Self { good, issuer, public: keys.signing.public(), other: SigningKey::fresh()? })
    }

    fn all(&self) -> Result<BTreeSet<String>> {
        let mut forged: Vec<String> = self.damaged();
        forged.extend(self.resigned()?);
        forged.extend(self.says_wrong()?);
        let mut forged: BTreeSet<String> = forged.into_iter().collect();
        ensure!(!forged.remove(&self.good), "one of them is the good one");
        Ok(forged)
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.good.split('.').collect();
        [parts[0], parts[1], parts[2]]
    }

    fn kid(&self) -> Option<String> {
        self.public["kid"].as_str().map(str::to_owned)
    }

    /// The good one with something done to its letters, or to the bits of its signature.
    fn damaged(&self) -> Vec<String> {
        let (good, mut dice, mut forged) = (self.good.as_bytes(), Dice(2026), Vec::new());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("ASCII");
        for at in 0..good.len() {
            let [before, after] = [&good[..at], &good[at + 1..]];
            for _ in 0..2 {
                let letter = LETTERS[dice.below(LETTERS.len())];
                forged.push(text([before, &[letter], after].concat()));
            }
            forged.push(text([before, after].concat()));
            forged.push(text([before, &good[at..=at], &good[at..]].concat()));
            forged.push(text([before, b".", after].concat()));
            forged.push(text(before.to_vec()));
            forged.push(text(after.to_vec()));
        }
        // A letter may have been replaced by itself.
        forged.retain(|token| *token != self.good);
        let [header, claims, signature] = self.parts();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("Base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            forged.push(format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(flipped)));
        }
        forged.extend([
            format!("{0}{0}", self.good),
            format!("{0}.{0}", self.good),
            format!("{0} {0}", self.good),
            format!("{header}. {claims}.{signature}"),
            format!("{header}.{claims} .{signature}"),
            format!("{header}.{claims}.\t{signature}"),
            format!("\"{}\"", self.good),
            format!("{}=", self.good),
            format!("{},", self.good),
            format!("{claims}.{header}.{signature}"),
            format!("{header}.{signature}.{claims}"),
            format!("{header}..{signature}"),
            format!("..{signature}"),
            "..".to_owned(),
            self.good.to_uppercase(),
            self.good.replace('.', "%2E"),
            format!("{}.{}", self.good, "A".repeat(5_000)),
            format!("{header}.{}.{signature}", "A".repeat(40_000)),
            "A".repeat(60_000),
            "null".to_owned(),
            "undefined".to_owned(),
            "{}".to_owned(),
            BASE64_STANDARD.encode(&self.good),
        ]);
        forged
    }

    /// What the good one says, signed in any way but the right one.
    fn resigned(&self) -> Result<Vec<String>> {
        let [header, claims, signature] = self.parts();
        let mut forged = Vec::new();
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        for alg in ["none", "None", "NONE", "nOnE", "", "EDDSA", "eddsa", "HS256", "RS256", "ES256", "ES384", "PS512"] {
            let header = part(json!({ "alg": alg, "typ": "JWT", "kid": self.kid() }));
            forged.extend([
                format!("{header}.{claims}."),
                format!("{header}.{claims}.{signature}"),
                format!("{header}.{claims}"),
            ]);
        }
        let no_algorithm = [
            json!({}),
            json!({ "typ": "JWT" }),
            json!({ "alg": null }),
            json!({ "alg": ["EdDSA"] }),
            json!([]),
            json!("EdDSA"),
        ];
        forged.extend(no_algorithm.map(|header| format!("{}.{claims}.{signature}", part(header))));

        let said: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims)?)?;
        let x = self.public["x"].as_str().context("the public key")?;
        let jwks = json!({ "keys": [self.public] }).to_string();
        let secrets = [
            x.as_bytes().to_vec(),
            BASE64_URL_SAFE_NO_PAD.decode(x)?,
            jwks.into_bytes(),
            Vec::new(),
            b"secret".to_vec(),
            header.into(),
        ];
        for (secret, algorithm) in secrets
            .iter()
            .flat_map(|secret| [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512].map(|alg| (secret, alg)))
        {
            forged.push(encode(
                &Header { kid: self.kid(), ..Header::new(algorithm) },
                &said,
                &EncodingKey::from_secret(secret),
            )?);
        }
        // Another's key: under its own name, and with a header that offers the key itself or says where to get it.
        forged.push(self.other.sign(&said)?);
        let other_public = self.other.public();
        for more in [
            json!({ "kid": self.kid() }),
            json!({ "kid": self.kid(), "jwk": other_public }),
            json!({ "jwk": other_public }),
            json!({ "kid": self.kid(), "jku": "https://example.org/jwks.json" }),
            json!({ "kid": "../../../../dev/null" }),
            json!({ "kid": "' or '1'='1" }),
        ] {
            let ours = self.other.sign(&said)?;
            let their_signature = ours.rsplit('.').next().context("a signature")?;
            let mut header = json!({ "alg": "EdDSA", "typ": "JWT" });
            header.as_object_mut().context("an object")?.extend(more.as_object().cloned().unwrap_or_default());
            forged.push(format!("{}.{claims}.{their_signature}", part(header)));
        }
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let p256 = EncodingKey::from_ec_der(p256.map_err(|_| anyhow::anyhow!("no key"))?.as_ref());
        forged.push(encode(&Header { kid: self.kid(), ..Header::new(Algorithm::ES256) }, &said, &p256)?);
        Ok(forged)
    }

    /// Signed as it should be, by the issuer, and yet not for us, not now, or not understood.
    fn says_wrong(&self) -> Result<Vec<String>> {
        let now = get_current_timestamp();
        let good =
            json!({ "iss": TOKEN_ISSUER, "aud": TOKEN_AUDIENCE, "sub": "ada", "exp": now + 600, "scope": "customer" });
        let strange = [
            json!(null),
            json!(7),
            json!(-7),
            json!(1.5),
            json!(true),
            json!(""),
            json!(" "),
            json!([]),
            json!({}),
            json!("x y"),
        ];
        let mut said = Vec::new();
        for (name, wrong) in [
            ("iss", vec![json!("development "), json!("Development"), json!([TOKEN_ISSUER])]),
            ("aud", vec![json!("order-delivery2"), json!(["others"])]),
            ("sub", vec![json!("a".repeat(65)), json!("ä"), json!("../ada"), json!(["ada"])]),
            ("exp", vec![json!(now - 60), json!(0), json!(now.to_string()), json!(u64::MAX), json!(1e300)]),
            ("nbf", vec![json!(now + 60), json!(u64::MAX)]),
            ("scope", vec![json!("openid"), json!("CUSTOMER"), json!(["customer"]), json!("customer,staff")]),
        ] {
            let mut without = good.clone();
            without.as_object_mut().context("an object")?.remove(name);
            // Without nbf it is good, and null is as good as nothing there.
            said.extend((name != "nbf").then_some(without));
            let wrong =
                strange.iter().chain(&wrong).filter(|value| name != "nbf" || (!value.is_null() && **value != json!(7)));
            said.extend(wrong.map(|value| {
                let mut claims = good.clone();
                claims[name] = value.clone();
                claims
            }));
        }
        said.extend([json!([]), json!("ada"), json!(null), json!({})]);
        let plain = || Header { kid: self.kid(), ..Header::new(Algorithm::EdDSA) };
        let mut forged =
            said.iter().map(|claims| encode(&plain(), claims, &self.issuer)).collect::<Result<Vec<_>, _>>()?;
        for header in [
            Header { crit: Some(vec!["exp".to_owned()]), ..plain() },
            Header { crit: Some(Vec::new()), ..plain() },
            Header { typ: Some("secevent+jwt".to_owned()), ..plain() },
            Header { kid: Some("another".to_owned()), ..plain() },
        ] {
            forged.push(encode(&header, &good, &self.issuer)?);
        }
        Ok(forged)
    }
}

async fn shows(shop: &Shop, token: &str) -> Result<Reply> {
    let asked = shop
        .request(Method::GET, &format!("{}/orders", shop.orders))
        .header("authorization", format!("Bearer {token}"));
    Ok(Reply::to(asked).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_that_is_forged_or_damaged_is_accepted() -> Result<()> {
    let (env, keys) = (Env::new("forged").await, Keys::fresh());
    let service = env.order_service().guarded(&keys.flags()).start().await;
    let shop = Arc::new(Shop::new(service.url(), String::new()));
    let forger = Forger::new(&keys)?;
    let forged = forger.all()?;
    ensure!(forged.len() >= 2_000, "only {}", forged.len());

    assert_eq!(shows(&shop, &forger.good).await?.status, StatusCode::OK);
    let accepted = stream::iter(&forged).map(|token| {
        let shop = Arc::clone(&shop);
        async move {
            let reply = shows(&shop, token).await;
            let is_well =
                reply.as_ref().is_ok_and(|reply| is_refused(reply, "invalid") || is_refused(reply, "expired"));
            // Longer than all headers may be together: refused before anybody reads them.
            let is_too_long =
                reply.as_ref().is_ok_and(|reply| reply.status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            let is_refused = is_well || (is_too_long && token.len() > 50_000);
            (!is_refused).then(|| format!("{token}: {reply:?}"))
        }
    });
    let accepted: Vec<String> =
        accepted.buffer_unordered(AT_ONCE).filter_map(async |complaint| complaint).collect().await;
    ensure!(accepted.is_empty(), "{} of {}:\n{}", accepted.len(), forged.len(), accepted.join("\n"));
    assert_eq!(shows(&shop, &forger.good).await?.status, StatusCode::OK);

    // What is told is the same for all of them, whatever was wrong; only that a token was good once is told.
    let invalid = [&forger.good[1..], &forger.good[..forger.good.len() - 1], "x"];
    let mut told = BTreeSet::new();
    for token in invalid {
        told.insert(shows(&shop, token).await?.body);
    }
    assert_eq!(told.len(), 1, "{told:?}");
    let refused = shop.counter(&shop.orders, "access_refused_total").await?;
    ensure!(refused >= 2_000.0, "only {refused} were counted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_come_twice_or_in_another_manner_are_none() -> Result<()> {
    let (env, keys) = (Env::new("manner").await, Keys::fresh());
    let service = env.order_service().guarded(&keys.flags()).start().await;
    let (shop, good) = (Shop::new(service.url(), String::new()), keys.token("ada", "customer"));
    let url = format!("{}/orders", shop.orders);
    let asked = async |authorizations: &[String], query: &str| {
        let mut request = shop.request(Method::GET, &format!("{url}{query}"));
        for authorization in authorizations {
            request = request.header("authorization", authorization);
        }
        Reply::to(request).await
    };
    assert_eq!(asked(&[format!("Bearer {good}")], "").await?.status, StatusCode::OK);
    assert_eq!(asked(&[format!("bearer {good}")], "").await?.status, StatusCode::OK);
    for wrong in [
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec![format!("Bearer {good}"), "Basic YTpi".to_owned()],
        vec![format!("Bearer {good}, Bearer {good}")],
        vec![format!("Basic {good}")],
        vec![format!("Token {good}")],
        vec![format!("Bearer{good}")],
        vec![good.clone()],
        vec!["Bearer".to_owned()],
        vec![String::new()],
    ] {
        let reply = asked(&wrong, "").await?;
        ensure!(is_refused(&reply, "invalid"), "{wrong:?}: {reply:?}");
    }
    // In an address it would stand in every log on the way.
    let in_address = asked(&[], &format!("?access_token={good}")).await?;
    ensure!(is_refused(&in_address, "missing"), "{in_address:?}");
    Ok(())
}
