//! What is shown to the services, and where it comes from where nobody minds.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use devstack::{ALL_SCOPES, DevelopmentKeys, SigningKey};

use crate::args::{Credentials, DevKeys, Token};
use crate::ending::Ending;
use crate::say::Page;

/// How long a token is good that a command makes for itself: longer than any of them takes.
const OWN_VALID: Duration = Duration::from_secs(12 * 60 * 60);

impl Credentials {
    /// What to show, if there is anything.
    pub fn bearer(&self) -> Result<Option<String>> {
        if self.token.is_some() {
            return Ok(self.token.clone());
        }
        let made = |key: &SigningKey| key.token("sagactl", ALL_SCOPES, OWN_VALID);
        self.token_key.as_deref().map(|file| SigningKey::read(file).and_then(|key| made(&key))).transpose()
    }
}

/// Runs `sagactl token`.
pub fn token(wanted: &Token) -> Result<Ending> {
    let token = SigningKey::read(&wanted.key)?.token(&wanted.subject, &wanted.scope, wanted.valid)?;
    Page::new().line(token)?;
    Ok(Ending::Well)
}

/// Runs `sagactl dev-keys`.
pub fn dev_keys(wanted: &DevKeys) -> Result<Ending> {
    fs::create_dir_all(&wanted.dir).with_context(|| format!("{} could not be made.", wanted.dir.display()))?;
    let keys = DevelopmentKeys::in_directory(&wanted.dir)?;
    let page = Page::new();
    page.line(format!("For the services:  {}", keys.flags().join(" ")))?;
    page.line(format!(
        "For you:           sagactl token --key {} --subject ada --scope customer",
        keys.private_file().display()
    ))?;
    Ok(Ending::Well)
}
