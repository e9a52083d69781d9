//! What the machine is, and who used its processors.

use std::{fs, path::Path, process::Command};

/// Ticks of processor time that each party has used so far.
#[derive(Clone, Copy, Default)]
pub struct Ticks {
    pub server: u64,
    pub postgres: u64,
    pub client: u64,
}

/// Linux' USER_HZ, which is 100 wherever this runs.
const HZ: f64 = 100.0;

impl Ticks {
    /// `postmaster`'s children count, also those that ended.
    pub fn now(servers: &[u32], postmaster: u32) -> Self {
        let server = servers.iter().filter_map(|pid| stat(*pid)).map(|stat| stat.own).sum();
        let living: u64 = children(postmaster).into_iter().filter_map(stat).map(|stat| stat.own).sum();
        let postgres = stat(postmaster).map_or(0, |stat| stat.own + stat.ended) + living;
        Self { server, postgres, client: stat(std::process::id()).map_or(0, |stat| stat.own) }
    }

    /// Processors kept busy since `before`, `seconds` ago.
    pub fn since(self, before: Self, seconds: f64) -> Shares {
        let share = |now: u64, before: u64| f64::from(u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX)) / HZ / seconds;
        Shares {
            server: share(self.server, before.server),
            postgres: share(self.postgres, before.postgres),
            client: share(self.client, before.client),
        }
    }
}

/// In processors: 1.0 is one of them, busy all the time.
#[derive(Clone, Copy, Default)]
pub struct Shares {
    pub server: f64,
    pub postgres: f64,
    pub client: f64,
}

impl Shares {
    /// What one of `rate` per second cost: says more than the shares when others use the machine too.
    pub fn each(self, rate: f64) -> String {
        let each = |share: f64| share * 1000.0 / rate;
        format!("{self}; each cost {:.2} + {:.2} + {:.2} ms", each(self.server), each(self.postgres), each(self.client))
    }
}

impl std::fmt::Display for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "processors busy: server {:.2}, postgres {:.2}, client {:.2}", self.server, self.postgres, self.client)
    }
}

struct Stat {
    parent: u32,
    own: u64,
    ended: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: number(11)? + number(12)?, ended: number(13)? + number(14)? })
}

fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent)).collect()
}

/// Bytes of a process that are in memory.
pub fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// As many as there ever were.
pub fn peak(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// Of which kind the file system of `path` is, as `ext4` or `tmpfs`.
pub fn file_system(path: &Path) -> String {
    let stat = Command::new("stat").args(["-f", "-c", "%T"]).arg(path).output();
    stat.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// For people: processors, memory, system, versions.
pub fn describe() -> String {
    let first = |path: &str, prefix: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .find_map(|line| line.strip_prefix(prefix))
            .map(|rest| rest.trim_matches([':', ' ', '\t', '"', '=']).to_owned())
            .unwrap_or_default()
    };
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = first("/proc/meminfo", "MemTotal").trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{processors} × {}, {memory} GiB, {}, Linux {}",
        first("/proc/cpuinfo", "model name"),
        first("/etc/os-release", "PRETTY_NAME"),
        kernel.trim()
    )
}

/// The first field of the load average: other people's work shows in it.
pub fn load() -> f64 {
    fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0.0)
}
