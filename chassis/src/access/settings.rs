//! What a service is told about who may come in.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::ensure;
use clap::Args;

/// Whose tokens are accepted. Without `--token-keys` only API keys are.
#[derive(Debug, Clone, Args)]
pub struct AccessSettings {
    /// The public keys that tokens are signed with: a JWKS file, or one key as PEM. Looked at again when it changes.
    #[arg(long, env = "TOKEN_KEYS", value_name = "PATH", requires_all = ["token_issuer", "token_audience"])]
    pub token_keys: Option<PathBuf>,
    /// Who has to have issued a token (`iss`).
    #[arg(long, env = "TOKEN_ISSUER")]
    pub token_issuer: Option<String>,
    /// For whom a token has to be (`aud`).
    #[arg(long, env = "TOKEN_AUDIENCE")]
    pub token_audience: Option<String>,
    /// How tokens are signed. Nothing else is accepted.
    #[arg(long, env = "TOKEN_ALGORITHM", value_enum, default_value_t = TokenAlgorithm::EdDsa)]
    pub token_algorithm: TokenAlgorithm,
    /// Ask nobody for credentials: everybody may do everything. Only for a service that listens on a loopback address.
    #[arg(long, env = "OPEN_ON_LOOPBACK", conflicts_with = "token_keys")]
    pub open_on_loopback: bool,
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TokenAlgorithm {
    /// With Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
    /// With ECDSA over P-256.
    #[value(name = "ES256")]
    Es256,
}

impl AccessSettings {
    /// # Errors
    /// When others could come in through a door that is open.
    pub(crate) fn check(&self, listens: SocketAddr) -> anyhow::Result<()> {
        ensure!(
            !self.open_on_loopback || listens.ip().is_loopback(),
            "--open-on-loopback asks nobody for credentials, and {listens} is no loopback address (--listen)"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        access: AccessSettings,
    }

    fn told(flags: &[&str]) -> Result<AccessSettings, clap::Error> {
        Told::try_parse_from(["service"].iter().chain(flags)).map(|told| told.access)
    }

    #[test]
    fn an_open_door_is_for_a_loopback_address_only() {
        let open = told(&["--open-on-loopback"]).expect("sound flags");
        let guarded = told(&[]).expect("sound flags");
        for (address, is_loopback) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.7:1", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(open.check(address).is_ok(), is_loopback, "{address}");
            assert!(guarded.check(address).is_ok());
        }
    }

    #[test]
    fn keys_of_tokens_need_an_issuer_and_an_audience_and_no_open_door() {
        let (keys, issuer, audience) = ("--token-keys=k", "--token-issuer=i", "--token-audience=a");
        assert!(told(&[keys, issuer, audience]).is_ok());
        for flags in [&[keys][..], &[keys, issuer], &[keys, audience], &[keys, issuer, audience, "--open-on-loopback"]]
        {
            assert!(told(flags).is_err(), "{flags:?}");
        }
        for (algorithm, is_known) in
            [("EdDSA", true), ("ES256", true), ("HS256", false), ("none", false), ("RS256", false)]
        {
            assert_eq!(told(&[&format!("--token-algorithm={algorithm}")]).is_ok(), is_known, "{algorithm}");
        }
    }
}
