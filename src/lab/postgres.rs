//! A private PostgreSQL: from Debian's packages, on a Unix socket in a directory that nobody else may enter.
//!
//! Nothing listens on TCP, so `trust` authentication reaches no further than that directory. As root the server runs as user
//! `postgres` (it refuses to run as root). A throw-away cluster gives up durability for speed; a kept one does not.
//! Everything here blocks for up to a few seconds: from async code call it in `spawn_blocking`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::watchdog::Watchdog;

/// `$1` directory, `$2` "keep" or "delete", `$3` where the programs are, rest: options of the server.
const SCRIPT: &str = r#"
dir=$1 keep=$2 bin=$3; shift 3
stop() {
    [ -n "$server" ] && kill "-$1" "$server" 2>/dev/null
    [ -n "$server" ] && wait "$server"
    server=
}
while read -r word signal; do
    case $word in
    init)
        "$bin/initdb" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-instructions --no-sync -D "$dir/data" </dev/null >>"$dir/log" 2>&1
        echo $?;;
    start)
        "$bin/postgres" -D "$dir/data" -k "$dir" "$@" </dev/null >>"$dir/log" 2>&1 &
        server=$!
        echo "$server";;
    stop)
        stop "$signal"
        echo stopped;;
    esac
done
if [ "$keep" = keep ]; then stop INT; else stop QUIT; rm -rf -- "$dir"; fi
"#;

const ALWAYS: [&str; 9] = [
    "-clisten_addresses=",
    "-cunix_socket_permissions=0700",
    "-cmax_connections=400",
    "-cshared_buffers=64MB",
    "-ctimezone=UTC",
    "-clog_timezone=UTC",
    "-cmax_wal_size=256MB",
    "-clog_min_messages=warning",
    // Files in our directory; the default would leave segments in /dev/shm behind a hard stop.
    "-cdynamic_shared_memory_type=mmap",
];
/// Fast, and lost with a power cut: a throw-away cluster is lost anyway. Commits stay synchronous, since what was committed
/// must survive [`Postgres::stop_hard`] as it would survive a crash in production.
const THROW_AWAY: [&str; 5] = ["-cfsync=off", "-cfull_page_writes=off", "-cwal_level=minimal", "-cmax_wal_senders=0", "-cautovacuum=off"];

/// The longest path of a Unix socket is 107 bytes; this leaves room for `/.s.PGSQL.5432.lock`.
const LONGEST_DIR: usize = 80;

/// What one cluster has beyond, or other than, all of them: `name=value` of its settings, and variables of its environment.
#[derive(Default)]
pub struct Tuning {
    pub settings: Vec<String>,
    pub environment: Vec<(String, String)>,
}

pub struct Postgres {
    watchdog: Watchdog,
    dir: PathBuf,
}

impl Postgres {
    /// A fresh cluster, gone when dropped or when this process dies.
    pub fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-pg-").tempdir_in(roomy_tmp())?.keep();
        Self::start_in(&dir, false)
    }

    /// The cluster in `dir`, made on first use. `keep`: only the server is stopped in the end.
    pub fn start_in(dir: &Path, keep: bool) -> Result<Self> {
        Self::start_tuned(dir, keep, &Tuning::default())
    }

    /// The same, with settings of its own: the last word on each.
    pub fn start_tuned(dir: &Path, keep: bool, tuning: &Tuning) -> Result<Self> {
        let (programs, user) = (programs()?, server_user()?);
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        if let Some((uid, gid)) = user {
            chown(dir, Some(uid), Some(gid))?;
        }
        check_place(dir)?;
        let mut args: Vec<&OsStr> = vec![dir.as_os_str(), OsStr::new(if keep { "keep" } else { "delete" }), programs.as_os_str()];
        args.extend(ALWAYS.iter().map(OsStr::new));
        if !keep {
            args.extend(THROW_AWAY.iter().map(OsStr::new));
        }
        let own: Vec<String> = tuning.settings.iter().map(|setting| format!("-c{setting}")).collect();
        args.extend(own.iter().map(OsStr::new));
        let watchdog = Watchdog::start(SCRIPT, args, |command| {
            become_user(command, user);
            command.envs(tuning.environment.iter().map(|(name, value)| (name, value)));
        })?;
        let postgres = Self { watchdog, dir: dir.to_owned() };
        if !dir.join("data/PG_VERSION").exists() && postgres.watchdog.ask("init")? != "0" {
            bail!("initdb failed: {}", postgres.log());
        }
        postgres.start_again()?;
        Ok(postgres)
    }

    /// Where `data`, the log and the socket are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// For `database.url`; `postgres` is always there, as superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.dir.display())
    }

    /// Stop and start, keeping data and socket; sessions are cut as an administrator's restart cuts them.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// An orderly stop that cuts sessions.
    pub fn stop(&self) -> Result<()> {
        self.watchdog.ask("stop INT").map(drop)
    }

    /// As by a crash: no checkpoint, nobody told.
    pub fn stop_hard(&self) -> Result<()> {
        self.watchdog.ask("stop QUIT").map(drop)
    }

    /// After [`Self::stop`] or [`Self::stop_hard`]: the same data on the same socket; returns when it takes sessions.
    pub fn start_again(&self) -> Result<()> {
        let pid = self.watchdog.ask("start")?;
        let begun = Instant::now();
        loop {
            // postmaster.pid: the first line is the process, the eighth its state. A stale file names another process.
            let state = fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap_or_default();
            let mut lines = state.lines().map(str::trim);
            if lines.next() == Some(pid.as_str()) && lines.nth(6) == Some("ready") {
                return Ok(());
            }
            if has_ended(&pid) || begun.elapsed() > Duration::from_mins(1) {
                bail!("Postgres did not start: {}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The last lines of the server's log.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" / ")
    }
}

/// Whether process `pid` is no more, or only waits to be reaped.
fn has_ended(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

/// Where `initdb` and `postgres` are: `$PATH`, then Debian's place, which is not on it. The newest wins.
pub fn programs() -> Result<PathBuf> {
    let has_both = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(dir) = std::env::split_paths(&path).find(has_both) {
        return Ok(dir);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, dir)| has_both(dir))
        .max()
        .map(|(_, dir)| dir)
        .context("Postgres is not installed: run bin/setup, or `apt-get install postgresql`")
}

/// Who runs the server: ourselves (`None`) or, as we are root, `postgres`, else `nobody`.
fn server_user() -> Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self").context("reading /proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("reading /etc/passwd")?;
    for name in ["postgres", "nobody"] {
        for account in accounts.lines() {
            let fields: Vec<&str> = account.split(':').collect();
            if fields.len() > 3 && fields[0] == name {
                return Ok(Some((fields[2].parse()?, fields[3].parse()?)));
            }
        }
    }
    bail!("Postgres does not run as root, and there is neither a user postgres nor a user nobody")
}

fn become_user(command: &mut Command, user: Option<(u32, u32)>) {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
}

/// Whether a cluster could live in `dir`, which exists: not if the path is too long for a socket, nor, as the server is another
/// user than root, in root's private places.
pub fn check_place(dir: &Path) -> Result<()> {
    ensure!(dir.as_os_str().len() <= LONGEST_DIR, "{} is too long a path for Postgres' socket: choose a shorter one", dir.display());
    let mut command = Command::new("/bin/sh");
    become_user(command.current_dir("/"), server_user()?);
    let status = command.args(["-c", r#"cd -- "$1" 2>/dev/null"#, "sh"]).arg(dir).status().context("starting /bin/sh")?;
    ensure!(
        status.success(),
        "Postgres runs as another user than root, who cannot enter {}: choose a directory that others may pass through, such as one in /var/lib",
        dir.display()
    );
    Ok(())
}

/// Memory if there is room (copying a database is three times as fast; a container's /dev/shm of 64 MB is no room), else the
/// directory for temporary files, else, where that is too deep for a socket, /tmp.
fn roomy_tmp() -> PathBuf {
    let free_kib = |dir: &str| -> Option<u64> {
        let df = Command::new("df").args(["-Pk", dir]).output().ok()?;
        String::from_utf8(df.stdout).ok()?.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
    };
    if std::env::var_os("TMPDIR").is_none() && free_kib("/dev/shm").is_some_and(|free| free > 2 << 20) {
        return "/dev/shm".into();
    }
    let tmp = std::env::temp_dir();
    if tmp.as_os_str().len() < LONGEST_DIR - 20 { tmp } else { "/tmp".into() }
}
