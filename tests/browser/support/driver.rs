//! chromedriver on a port of its own, with a directory of its own for what Chromium leaves lying about; both gone when dropped.

use std::{
    io::{BufRead, BufReader},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
};

use thirtyfour::prelude::*;

const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

pub struct Driver {
    process: Child,
    url: String,
    /// Named so that it outlives the process.
    _temporary: tempfile::TempDir,
}

impl Driver {
    /// The port that it picks for IPv4 may be taken for IPv6; then it ends, and another try picks another.
    pub fn start() -> Self {
        (0..5).find_map(|_| Self::try_start()).expect("chromedriver ends before it listens")
    }

    fn try_start() -> Option<Self> {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Its own group, so that Chromium can be ended with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver is missing: run bin/setup, which installs it and Chromium");
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        let port = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).expect("chromedriver's output") == 0 {
                let _ = process.wait();
                return None;
            }
            if let Some(port) = line.split("successfully on port ").nth(1) {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        // Somebody must read on, or it blocks when the pipe is full.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Some(Self { process, url: format!("http://127.0.0.1:{port}"), _temporary: temporary })
    }

    pub async fn browser(&self) -> WebDriver {
        let binary =
            BROWSERS.into_iter().find(|path| Path::new(path).exists()).expect("Chromium is missing: run bin/setup, which installs it");
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(binary).expect("a path");
        let quiet = [
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--lang=en",
        ];
        // Chromium refuses to sandbox for root; for anybody else the sandbox stays on.
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        for argument in quiet.into_iter().chain(root.then_some("--no-sandbox")) {
            capabilities.add_arg(argument).expect("an argument");
        }
        WebDriver::new(&self.url, capabilities).await.expect("Chromium starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
