//! A shell that holds a server for us and outlives us just long enough to clean up.
//!
//! It reads words from a pipe, does what each says and answers with one line. Our death by any means is end of file, at which
//! it stops the server and removes the directory. (PDEATHSIG would fire when the spawning *thread* ends.) It has a process
//! group of its own, so that ^C on the terminal reaches us and not the server, and we shut down in our order.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};

/// Every script begins so: signals are for us, and a broken pipe to us must not end the cleaning up.
const PRELUDE: &str = "trap '' INT TERM HUP PIPE\n";

pub(super) struct Watchdog {
    shell: Child,
    /// `None` once it is told to end.
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Watchdog {
    /// Run `script` under /bin/sh with `args` as `$1`…; `prepare` sets environment and user.
    pub(super) fn start<'a>(
        script: &str,
        args: impl IntoIterator<Item = &'a std::ffi::OsStr>,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.current_dir("/");
        prepare(&mut command);
        command.arg("-c").arg(format!("{PRELUDE}{script}")).arg("sspr-watchdog").args(args);
        let mut shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting /bin/sh")?;
        let stdin = shell.stdin.take().context("no pipe to the watchdog")?;
        let stdout = shell.stdout.take().context("no pipe from the watchdog")?;
        Ok(Self { shell, pipes: Mutex::new(Some((stdin, BufReader::new(stdout)))) })
    }

    /// Say `word`, wait for the one line of answer. Blocks for as long as the deed takes.
    pub(super) fn ask(&self, word: &str) -> Result<String> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((to, from)) = pipes.as_mut() else { bail!("the watchdog has ended") };
        writeln!(to, "{word}").context("the watchdog is gone")?;
        let mut answer = String::new();
        from.read_line(&mut answer).context("the watchdog is gone")?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Until it has stopped the server and cleaned up: whoever drops us may look.
        let _ = self.shell.wait();
    }
}
