//! A wall clock that can be set, and a disk that can be full, while a process runs: a few lines of C that are loaded before the C
//! library (as `lab/samba-dc` does for its ports). Only the time of day moves; the monotonic clock is the machine's, as it is when
//! somebody sets a clock. A full disk takes the first part of what is written to a file, and refuses the rest; what goes to the
//! log is spared, as it is where a journal takes it.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long none[2], *ahead = none;
#define FULL ahead[1]

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("CHAOS_CLOCK");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(0, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) abort();
    ahead = page;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, t);
    if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) t->tv_sec += *ahead;
    return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_REALTIME, &now);
    if (r == 0) t->tv_sec = now.tv_sec, t->tv_usec = now.tv_nsec / 1000;
    (void)zone;
    return r;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static ssize_t (*real)(int, const void *, size_t);
    struct stat s;
    if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (FULL && fd > 2 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) {
        if (count < 16) return errno = ENOSPC, -1;
        count /= 2;
    }
    return real(fd, bytes, count);
}
"#;

/// The library, built in `dir`.
pub fn library(dir: &Path) -> PathBuf {
    let (source, library) = (dir.join("clock.c"), dir.join("clock.so"));
    fs::write(&source, SOURCE).unwrap();
    let gcc = Command::new("gcc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl").status().unwrap();
    assert!(gcc.success(), "gcc");
    library
}

/// One process's clock and disk.
pub struct Offset {
    pub path: PathBuf,
    file: File,
}

impl Offset {
    pub fn new(path: PathBuf) -> Self {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path).unwrap();
        let offset = Self { path, file };
        offset.set(0);
        offset.fill(false);
        offset
    }

    /// Seconds ahead of the machine's clock.
    pub fn set(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_le_bytes(), 0).unwrap();
    }

    /// Whether its disk takes nothing more.
    pub fn fill(&self, full: bool) {
        self.file.write_all_at(&i64::from(full).to_le_bytes(), 8).unwrap();
    }
}
