//! PostgreSQL's own binaries on this machine, and an empty database cluster made with them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;
use uuid::Uuid;

use crate::cache::cached;
use crate::command::run;

/// Where Debian keeps the servers, one directory for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

const MISSING: &str = "PostgreSQL was not found: install it (Debian: apt-get install postgresql) or set DATABASE_URL.";
const CLIENT_MISSING: &str = "was not found beside PostgreSQL's server binaries: install PostgreSQL whole (Debian: apt-get install \
                              postgresql).";
const NO_SETPRIV: &str = "setpriv was not found, and PostgreSQL refuses to run as root: install it (Debian: apt-get \
                          install util-linux), be another user, or set DATABASE_URL.";

/// The binaries, and who runs them.
pub(super) struct Installation {
    bin: PathBuf,
    version: String,
    /// `None` when we are not root and so run them ourselves.
    account: Option<Account>,
}

/// An unprivileged account. PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug)]
struct Account {
    user: u32,
    group: u32,
}

impl Installation {
    /// The `initdb` on the PATH, or the highest version that Debian has installed.
    pub async fn find() -> Result<Self> {
        let bin = on_path().or_else(newest_of_debian).context(MISSING)?;
        let said = run(Command::new(bin.join("initdb")).arg("--version"), MISSING).await?.stdout;
        // "initdb (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"
        let said = String::from_utf8_lossy(&said).into_owned();
        let version = said.split_whitespace().nth(2).context("initdb does not say its version.")?.to_owned();
        let account = if rustix::process::geteuid().is_root() { Some(Account::unprivileged().await?) } else { None };
        Ok(Self { bin, version, account })
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// A program and its arguments, as the account that is allowed to run it.
    pub fn invocation(&self, program: &str, args: Vec<String>) -> (PathBuf, Vec<String>) {
        let program = self.bin.join(program);
        let Some(Account { user, group }) = self.account else { return (program, args) };
        let mut all = vec![format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
        all.push(program.display().to_string());
        all.extend(args);
        (PathBuf::from("setpriv"), all)
    }

    /// Puts an empty cluster into `directory/data` and answers with its administrator's password. The cluster is a
    /// copy of one in the cache, because `initdb` takes much longer than copying.
    pub async fn lay_out(&self, directory: &Path) -> Result<String> {
        if let Some(Account { user, group }) = self.account {
            chown(directory, Some(user), Some(group)).context("The directory could not be given to PostgreSQL.")?;
        }
        // The files belong to whoever runs the server, so a template serves one account.
        let account = self.account.map(|account| format!("-user-{}", account.user)).unwrap_or_default();
        let name = format!("postgresql-{}{account}", self.version);
        let template = cached(&name, async |partial| self.make_template(directory, partial).await).await?;
        copy(&template.join("data"), &directory.join("data")).await?;
        fs::read_to_string(template.join("password")).context("The template of PostgreSQL has lost its password.")
    }

    /// Runs `initdb` in `directory`, which the account can enter (the cache may lie in root's home), and moves the
    /// outcome to the cache.
    async fn make_template(&self, directory: &Path, partial: &Path) -> Result<()> {
        let made = directory.join("template");
        let password = Uuid::new_v4().simple().to_string();
        let password_file = directory.join("password");
        fs::write(&password_file, &password)?;
        if let Some(Account { user, group }) = self.account {
            chown(&password_file, Some(user), Some(group))?;
        }
        let args = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--pwfile"];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.extend([password_file.display().to_string(), "--pgdata".to_owned(), made.display().to_string()]);
        let (program, args) = self.invocation("initdb", args);
        run(Command::new(program).args(args).current_dir(directory), MISSING).await?;
        copy(&made, &partial.join("data")).await?;
        fs::write(partial.join("password"), &password)?;
        fs::set_permissions(partial, fs::Permissions::from_mode(0o700))?;
        fs::remove_file(&password_file)?;
        fs::remove_dir_all(&made).context("The freshly made template could not be removed.")
    }
}

impl Account {
    /// The account that Debian made for PostgreSQL, or the one that owns nothing; and the means to become it.
    async fn unprivileged() -> Result<Self> {
        run(Command::new("setpriv").arg("--version"), NO_SETPRIV).await?;
        match Self::named("postgres").await {
            Ok(account) => Ok(account),
            Err(_) => Self::named("nobody").await,
        }
    }

    async fn named(name: &str) -> Result<Self> {
        let missing = "The program `id` was not found: install it (Debian: apt-get install coreutils).";
        let mut ids = [0; 2];
        for (id, flag) in ids.iter_mut().zip(["-u", "-g"]) {
            let said = run(Command::new("id").args([flag, name]), missing).await?.stdout;
            *id = String::from_utf8_lossy(&said).trim().parse().context("`id` did not answer with a number.")?;
        }
        Ok(Self { user: ids[0], group: ids[1] })
    }
}

/// Copies a directory with its owners, modes and times; the standard library knows no such thing.
async fn copy(from: &Path, to: &Path) -> Result<()> {
    let missing = "The program `cp` was not found: install it (Debian: apt-get install coreutils).";
    run(Command::new("cp").arg("-a").arg(from).arg(to), missing).await?;
    Ok(())
}

/// One of PostgreSQL's own client programs: it lies where `initdb` does, or where the link to `initdb` leads.
pub(super) fn client(name: &str) -> Result<PathBuf> {
    let bin = on_path().or_else(newest_of_debian).context(MISSING)?;
    let real = fs::canonicalize(bin.join("initdb")).context("initdb cannot be looked at.")?;
    let beside = [bin.as_path()].into_iter().chain(real.parent()).map(|directory| directory.join(name));
    beside.into_iter().find(|program| program.is_file()).with_context(|| format!("{name} {CLIENT_MISSING}"))
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|directory| directory.join("initdb").is_file())
}

fn newest_of_debian() -> Option<PathBuf> {
    let Ok(entries) = fs::read_dir(DEBIAN) else { return None };
    let with_number = entries.flatten().map(|entry| entry.path()).filter_map(|path| {
        let Ok(number) = path.file_name()?.to_str()?.parse::<u32>() else { return None };
        path.join("bin/initdb").is_file().then_some((number, path.join("bin")))
    });
    with_number.max_by_key(|(number, _)| *number).map(|(_, bin)| bin)
}
