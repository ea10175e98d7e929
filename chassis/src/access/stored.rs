//! API keys as they are kept: never with their secrets.

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::{
    principal::{Principal, Scopes},
    refused::Refused,
};
use crate::{Tx, list_snapshot};

/// What every key of ours begins with: tokens never do.
pub(super) const PREFIX: &str = "key_";
const ID_CHARS: usize = 32;
const SECRET_BYTES: usize = 32;
/// What so many bytes take up in Base64.
const SECRET_CHARS: usize = 43;

/// A key as its table has it.
#[derive(Debug, Clone)]
pub(super) struct ApiKey {
    pub id: Uuid,
    pub secret_sha256: Vec<u8>,
    pub name: String,
    pub subject: String,
    pub scopes: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Who shows this secret, at this moment.
    pub fn opened_with(&self, secret_sha256: &[u8; 32], now: DateTime<Utc>) -> Result<Principal, Refused> {
        // As long for a secret that is nearly right as for any other.
        verify_slices_are_equal(&self.secret_sha256, secret_sha256).map_err(|_| Refused::Invalid("another secret"))?;
        if self.revoked_at.is_some() {
            return Err(Refused::Invalid("a key that was revoked"));
        }
        if self.expires_at <= now {
            return Err(Refused::Expired);
        }
        Ok(Principal::new(&self.subject, Scopes::among(&self.scopes.join(" "))))
    }
}

/// A secret nobody has had before, and its digest.
pub(super) fn fresh_secret() -> anyhow::Result<(String, Vec<u8>)> {
    let mut secret = [0; SECRET_BYTES];
    rand::fill(&mut secret).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok((BASE64_URL_SAFE_NO_PAD.encode(secret), Sha256::digest(secret).to_vec()))
}

/// A key as its owner gets it.
pub(super) fn shown(id: Uuid, secret: &str) -> String {
    format!("{PREFIX}{}_{secret}", id.simple())
}

/// The name of a key that is shown, and the digest of its secret. In any other way of writing it is no key.
pub(super) fn read(key: &str) -> Option<(Uuid, [u8; 32])> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
    let secret = secret.strip_prefix('_').filter(|secret| secret.len() == SECRET_CHARS)?;
    let is_hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = Uuid::try_parse(id).ok().filter(|_| is_hex)?;
    let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
    Some((id, Sha256::digest(secret).into()))
}

/// One list of columns for every way to select keys.
macro_rules! select_keys {
    ($tail:tt, $($argument:expr),*) => {
        sqlx::query_as!(
            ApiKey,
            "select id, secret_sha256, name, subject, scopes, created_at, created_by, expires_at, revoked_at
             from api_keys " + $tail,
            $($argument),*
        )
    };
}

/// A key, whatever has become of it.
pub(super) async fn find(database: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<ApiKey>> {
    select_keys!("where id = $1", id).fetch_optional(database).await
}

/// All keys that open anything at this moment.
pub(super) async fn usable(database: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<ApiKey>> {
    select_keys!("where revoked_at is null and expires_at > $1", now).fetch_all(database).await
}

/// So many keys older than this one, newest first.
pub(super) async fn page(pool: &PgPool, before: Uuid, rows: i64) -> sqlx::Result<Vec<ApiKey>> {
    let mut snapshot = list_snapshot(pool).await?;
    select_keys!("where id < $1 order by id desc limit $2", before, rows).fetch_all(&mut *snapshot).await
}

/// Keeps a new key, and tells every instance.
pub(super) async fn insert(tx: &mut Tx<'_>, key: &ApiKey) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into api_keys (id, secret_sha256, name, subject, scopes, created_at, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.id,
        &key.secret_sha256,
        &key.name,
        &key.subject,
        &key.scopes,
        key.created_at,
        &key.created_by,
        key.expires_at,
    )
    .execute(&mut **tx)
    .await?;
    tell(tx).await
}

/// Ends a key, and tells every instance. None where it has been revoked before, or never was.
pub(super) async fn revoke(tx: &mut Tx<'_>, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<Option<ApiKey>> {
    let revoked = sqlx::query_as!(
        ApiKey,
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null
         returning id, secret_sha256, name, subject, scopes, created_at, created_by, expires_at, revoked_at",
        id,
        now,
    );
    let Some(revoked) = revoked.fetch_optional(&mut **tx).await? else { return Ok(None) };
    tell(tx).await?;
    Ok(Some(revoked))
}

/// In the transaction of the change, unlike the relay's: keys are made and revoked a few times a day, so nobody queues.
async fn tell(tx: &mut Tx<'_>) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('api_keys', '')").execute(&mut **tx).await.map(drop)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn key(secret_sha256: Vec<u8>) -> ApiKey {
        let text = || "x".to_owned();
        let now = DateTime::UNIX_EPOCH;
        ApiKey {
            id: Uuid::from_u128(7),
            secret_sha256,
            name: text(),
            subject: "ada".to_owned(),
            scopes: vec!["staff".to_owned()],
            created_at: now,
            created_by: text(),
            expires_at: now + TimeDelta::days(1),
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_is_opened_with_its_own_secret_until_it_ends() {
        let (secret, digest) = fresh_secret().expect("random bytes");
        let (id, read_digest) = read(&shown(Uuid::from_u128(7), &secret)).expect("a key");
        let key = key(digest);
        assert_eq!(id, key.id);
        let opened = key.opened_with(&read_digest, DateTime::UNIX_EPOCH).expect("it opens");
        assert_eq!((&*opened.subject, opened.scopes.names()), ("ada", vec!["staff"]));
        assert!(matches!(key.opened_with(&[0; 32], DateTime::UNIX_EPOCH), Err(Refused::Invalid(_))));
        assert_eq!(key.opened_with(&read_digest, key.expires_at), Err(Refused::Expired));
        let revoked = ApiKey { revoked_at: Some(DateTime::UNIX_EPOCH), ..key };
        assert!(matches!(revoked.opened_with(&read_digest, DateTime::UNIX_EPOCH), Err(Refused::Invalid(_))));
    }

    #[test]
    fn a_key_is_written_in_one_way_only() {
        let (secret, _) = fresh_secret().expect("random bytes");
        let good = shown(Uuid::from_u128(u128::MAX), &secret);
        assert!(read(&good).is_some());
        for bad in [
            "key_".to_owned(),
            good.to_uppercase(),
            good.replace("key_f", "key_F"),
            good[4..].to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}A"),
            format!("{good}="),
            good.replacen('_', "-", 1),
            format!("key_{}", "é".repeat(40)),
        ] {
            assert!(read(&bad).is_none(), "{bad}");
        }
    }
}
