//! The services' executables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::Progress;
use crate::command::run;

const ORDER_SERVICE: &str = "order-service";
const DELIVERY_SERVICE: &str = "delivery-service";

/// Where this crate's source was when it was compiled: is it still there, we run from a source tree.
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

const NO_CARGO: &str = "Cargo was not found: install Rust, or run from a directory that also holds both services.";

/// The executables of both services.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The executable of order-service.
    pub order_service: PathBuf,
    /// The executable of delivery-service.
    pub delivery_service: PathBuf,
}

/// Finds the services' executables. In a source tree they are built first, with the profile we were built with, so what
/// runs is what is written; elsewhere they lie beside the running executable.
pub async fn binaries(progress: &Progress) -> Result<Binaries> {
    let executable = std::env::current_exe().context("The running executable does not know where it is.")?;
    let directory = output_directory(&executable).context("The running executable lies in no directory.")?;
    if Path::new(SOURCE).join("Cargo.toml").is_file() && is_output_of_cargo(directory) {
        let step = progress.step("Building order-service and delivery-service");
        build(directory, None).await?;
        step.done("order-service and delivery-service built");
    }
    Binaries::in_directory(directory)
}

/// Builds the services with this feature of theirs, and puts the executables into a directory: what is built next must not take their
/// place while they are in use.
pub async fn binaries_with(feature: &str, into: &Path, progress: &Progress) -> Result<Binaries> {
    let executable = std::env::current_exe().context("The running executable does not know where it is.")?;
    let directory = output_directory(&executable).context("The running executable lies in no directory.")?;
    let step = progress.step(&format!("Building order-service and delivery-service with {feature}"));
    build(directory, Some(feature)).await?;
    std::fs::create_dir_all(into).with_context(|| format!("{} cannot be made.", into.display()))?;
    for name in [ORDER_SERVICE, DELIVERY_SERVICE] {
        std::fs::copy(directory.join(name), into.join(name)).with_context(|| format!("{name} cannot be copied."))?;
    }
    step.done(&format!("order-service and delivery-service built with {feature}"));
    Binaries::in_directory(into)
}

impl Binaries {
    /// The executables that lie in a directory, whatever they were built from.
    pub fn in_directory(directory: &Path) -> Result<Self> {
        // They are started from another directory than ours.
        let directory = directory.canonicalize().with_context(|| format!("There is no {}.", directory.display()))?;
        Ok(Self {
            order_service: in_directory(&directory, ORDER_SERVICE)?,
            delivery_service: in_directory(&directory, DELIVERY_SERVICE)?,
        })
    }
}

/// Tests lie in `deps` and examples in `examples`, one level below the programs.
fn output_directory(executable: &Path) -> Option<&Path> {
    let directory = executable.parent()?;
    if directory.ends_with("deps") || directory.ends_with("examples") { directory.parent() } else { Some(directory) }
}

/// An executable that was copied out of the target directory must not be followed by a build to wherever it is now.
fn is_output_of_cargo(directory: &Path) -> bool {
    directory.join(".fingerprint").is_dir()
}

async fn build(directory: &Path, feature: Option<&str>) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let profile = directory.file_name().context("Cargo's output directory has no name.")?;
    let target = directory.parent().context("Cargo's output directory has no parent.")?;
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", ORDER_SERVICE, "--package", DELIVERY_SERVICE]);
    if let Some(feature) = feature {
        build.arg("--features").arg(format!("{ORDER_SERVICE}/{feature},{DELIVERY_SERVICE}/{feature}"));
    }
    // The directory is named after the profile, with this one exception.
    build.arg("--profile").arg(if profile == "debug" { "dev".as_ref() } else { profile });
    build.arg("--target-dir").arg(target).current_dir(SOURCE);
    // What `cargo run` and `cargo test` tell us about ourselves. A build script that asks for these (ring's does) would be run again, and
    // all that depends on it compiled again, with every change between this build and one from a shell.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            build.env_remove(name);
        }
    }
    run(&mut build, NO_CARGO).await?;
    Ok(())
}

fn in_directory(directory: &Path, name: &str) -> Result<PathBuf> {
    let binary = directory.join(name);
    if !binary.is_file() {
        bail!("{name} was not found in {}: put it there, beside the program that starts it.", directory.display());
    }
    Ok(binary)
}
