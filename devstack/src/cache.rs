//! What takes long to make is made once and kept in the user's cache directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// `$XDG_CACHE_HOME/order-delivery-saga`, or `~/.cache/order-delivery-saga`.
pub(crate) fn directory() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => std::env::home_dir().context("There is no home directory: set XDG_CACHE_HOME.")?.join(".cache"),
    };
    let directory = base.join("order-delivery-saga");
    fs::create_dir_all(&directory).with_context(|| format!("{} could not be made.", directory.display()))?;
    Ok(directory)
}

/// The directory `name` in the cache, made by `build` when it is not there yet.
///
/// `build` fills a directory that is renamed when it is complete, so a half-made one is never used. A file lock makes
/// two programs that start at the same moment build it once; it goes away with the program, however that ends.
pub(crate) async fn cached(name: &str, build: impl AsyncFnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = directory()?;
    let complete = cache.join(name);
    if complete.is_dir() {
        return Ok(complete);
    }
    let _held_until_the_end = lock(cache.join(format!("{name}.lock"))).await?;
    if complete.is_dir() {
        return Ok(complete);
    }
    let partial = cache.join(format!("{name}.partial"));
    if partial.exists() {
        // Somebody died while building: the lock is ours, so nobody is at it any more.
        fs::remove_dir_all(&partial).with_context(|| format!("{} could not be removed.", partial.display()))?;
    }
    fs::create_dir(&partial).with_context(|| format!("{} could not be made.", partial.display()))?;
    build(&partial).await?;
    fs::rename(&partial, &complete).with_context(|| format!("{} could not be kept.", complete.display()))?;
    Ok(complete)
}

/// Waits for the lock in a thread of its own: another program may be downloading for a while.
async fn lock(path: PathBuf) -> Result<File> {
    tokio::task::spawn_blocking(move || {
        let file = File::create(&path).with_context(|| format!("{} could not be made.", path.display()))?;
        file.lock().with_context(|| format!("{} could not be locked.", path.display()))?;
        Ok(file)
    })
    .await?
}
