//! Keys of tokens, for services that ask for some.

use std::{env, fs, ops::Deref, path::PathBuf, time::Duration};

use chassis::clock;
use devstack::{DevelopmentKeys, SigningKey};

/// Longer than any test.
const VALID: Duration = Duration::from_secs(3_600);

/// Development keys in a directory of their own, which goes with them.
pub struct Keys {
    development: DevelopmentKeys,
    directory: PathBuf,
}

impl Keys {
    /// Keys that nobody else has.
    ///
    /// # Panics
    /// When they cannot be written.
    #[must_use]
    pub fn fresh() -> Self {
        let directory = env::temp_dir().join(format!("order-delivery-saga-test-keys-{}", clock::fresh_id().simple()));
        fs::create_dir(&directory).expect("a directory is made");
        let development = DevelopmentKeys::in_directory(&directory).expect("keys are made");
        Self { development, directory }
    }

    /// A token for this subject with these scopes, separated by blanks.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn token(&self, subject: &str, scopes: &str) -> String {
        Self::token_of(&self.signing, subject, scopes)
    }

    /// The same, signed with another key.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn token_of(key: &SigningKey, subject: &str, scopes: &str) -> String {
        key.token(subject, scopes, VALID).expect("a token is signed")
    }
}

impl Deref for Keys {
    type Target = DevelopmentKeys;

    fn deref(&self) -> &DevelopmentKeys {
        &self.development
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("{} stays: {error}", self.directory.display());
        }
    }
}
