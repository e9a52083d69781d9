//! What `sspr agent doctor` looks at in the directory, looked at by the agent itself time and again, so that a right that somebody took
//! away, or a certificate that ends soon, is known before a person meets it. The log names it, the cloud is told its code.

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    Agent, Directory,
    setup::{
        self,
        finding::{Report, Severity},
    },
};
use crate::{base::config, wire::checkup::Checkup};

/// From when the directory first answers: what waits for the agent goes before.
const FIRST: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_hours(1);
/// While there is a problem: whoever mends it wants to see that it is mended.
const SOON: Duration = Duration::from_mins(10);
/// Of a directory that hangs nothing is learnt that its regular look does not tell.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Checkups {
    settings: config::Agent,
    last: Mutex<Option<Checkup>>,
    news: Notify,
}

impl Checkups {
    pub(super) fn new(settings: config::Agent) -> Self {
        Self { settings, last: Mutex::default(), news: Notify::new() }
    }

    /// What the last one found; `None`: there was none yet.
    pub(super) fn last(&self) -> Option<Checkup> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Until one finds something else than the one before.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// Keeps it. What was not wrong before is told in the log, with names.
    fn learn(&self, report: &Report, checkup: &Checkup) {
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(checkup.clone());
        for finding in &report.findings {
            let code = finding.code.as_str();
            if before.as_ref().is_some_and(|before| before.has(code)) {
                continue;
            }
            match finding.code.severity() {
                Severity::Problem => tracing::error!(finding.code = code, finding.about = %finding.about, "{}", finding.text),
                Severity::Warning => tracing::warn!(finding.code = code, finding.about = %finding.about, "{}", finding.text),
                Severity::Note | Severity::Ok => {}
            }
        }
        if before.is_none_or(|before| before.findings != checkup.findings) {
            self.news.notify_one();
        }
    }
}

impl<D: Directory> Agent<D> {
    /// Looks as long as the directory answers; when it does not, the regular look tells.
    pub(super) async fn check_up(&self) -> Infallible {
        self.seen.until(true).await;
        sleep(FIRST).await;
        loop {
            self.seen.until(true).await;
            let looked = Box::pin(setup::checkup(&self.checkups.settings, self.time.clock()));
            let worst = if let Ok(report) = timeout(PATIENCE, looked).await {
                let checkup = report.checkup(self.time.now());
                let worst = checkup.worst();
                self.checkups.learn(&report, &checkup);
                worst
            } else {
                tracing::warn!("the checks of the directory took too long and were broken off; sspr agent doctor makes them, too");
                Severity::Warning
            };
            let pause = if worst == Severity::Problem { SOON } else { EVERY };
            // A round in the midst of an outage tells of the outage, and a server that comes back may be another one.
            let back = async {
                self.seen.until(false).await;
                self.seen.until(true).await;
                sleep(FIRST).await;
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = back => {}
            }
        }
    }
}
