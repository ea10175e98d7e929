//! A small disk for both databases, in memory: so that it can be filled. Only root can make one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use devstack::Postgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const SIZE: &str = "size=512m";
const PIECE: usize = 1024 * 1024;
/// Its directory, before the number of the process whose it is.
const NAME: &str = "faults-disk-";

/// What is on it goes with it.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts it and makes a tablespace on it, `small`. None where we may not.
    pub async fn mount(postgres: &Postgres) -> Result<Option<Self>> {
        unmount_what_was_left()?;
        let at = std::env::temp_dir().join(format!("{NAME}{}", std::process::id()));
        fs::create_dir(&at)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&at).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            fs::remove_dir(&at)?;
            return Ok(None);
        }
        let disk = Self { at };
        let server = postgres.pid().context("PostgreSQL does not run")?;
        let owner = fs::metadata(format!("/proc/{server}"))?;
        let space = disk.at.join("space");
        fs::create_dir(&space)?;
        chown(&space, Some(owner.uid()), Some(owner.gid()))?;
        let statement = format!("create tablespace small location '{}'", space.display());
        execute(postgres, statement).await?;
        Ok(Some(disk))
    }

    /// Puts a database that nobody uses yet on it.
    pub async fn take(&self, postgres: &Postgres, database: &str) -> Result<()> {
        execute(postgres, format!("alter database {database} set tablespace small")).await
    }

    /// Leaves no room on it.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::create(self.ballast())?;
        let piece = vec![0; PIECE];
        loop {
            match file.write(&piece) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("the small disk cannot be filled"),
            }
        }
    }

    /// There is room again.
    pub fn empty(&self) -> Result<()> {
        fs::remove_file(self.ballast()).context("the small disk cannot be emptied")
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.at);
    }
}

/// Takes one away. Whatever still uses it goes on until it ends.
fn unmount(at: &Path) {
    let unmounted = Command::new("umount").arg("--lazy").arg(at).status();
    if !unmounted.is_ok_and(|status| status.success()) || fs::remove_dir(at).is_err() {
        eprintln!("  the small disk at {} could not be taken away", at.display());
    }
}

/// Runs that were killed cannot clean up.
fn unmount_what_was_left() -> Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())? {
        let left = entry?.path();
        let run = left.file_name().and_then(|name| name.to_str()?.strip_prefix(NAME));
        if run.is_some_and(|run| !Path::new("/proc").join(run).exists()) {
            unmount(&left);
        }
    }
    Ok(())
}

async fn execute(postgres: &Postgres, statement: String) -> Result<()> {
    let mut connection = PgConnection::connect(postgres.admin_url()).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
