//! TCP ports on 127.0.0.1.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

/// A port on 127.0.0.1 that nobody listens on at this moment. Somebody else may take it before it is used: whoever
/// starts a server on it looks whether that happened and asks for another one.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("No free port could be had on 127.0.0.1.")?;
    Ok(listener.local_addr()?.port())
}

/// Fails with a sentence for people when somebody listens on `port` already.
pub(crate) fn require_free(port: u16, wanted_by: &str) -> Result<()> {
    if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        bail!("Port {port}, which {wanted_by} needs, is taken ({error}): stop what listens there, or use other ports.");
    }
    Ok(())
}

/// What servers of every kind write to their log when their port is taken (PostgreSQL, the JVM and Rust agree on it).
pub(crate) const TAKEN: &str = "ddress already in use";
