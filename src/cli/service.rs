//! The agent as a Windows service: `sspr agent service`, which the service control manager starts. Stopping it is as ^C: the jobs in hand
//! are finished first. A service has no terminal, so give it `log.file`.
//!
//! sc.exe create sspr-agent start= delayed-auto obj= "NT SERVICE\sspr-agent" binPath= "C:\Program Files\sspr\sspr.exe --config C:\ProgramData\sspr\agent.toml agent service"

use std::{
    ffi::OsString,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;
use windows_service::{
    define_windows_service,
    service::{ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType},
    service_control_handler::{self, ServiceControlHandlerResult},
    service_dispatcher,
};

use crate::{
    agent,
    base::{clock::Clock, config},
};

const NAME: &str = "sspr-agent";
/// As long as a job may take.
const STOPPING: Duration = Duration::from_mins(3);

/// Windows calls our entry point with nothing but text.
static SETTINGS: Mutex<Option<config::Agent>> = Mutex::new(None);

define_windows_service!(entry, begun);

/// Until the service is stopped. Must be called outside of any runtime.
pub fn run(settings: config::Agent) -> Result<()> {
    *SETTINGS.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings);
    service_dispatcher::start(NAME, entry).context("Windows starts this, not a person: see sc.exe create")
}

fn begun(_: Vec<OsString>) {
    if let Err(error) = serve() {
        tracing::error!(error = format!("{error:#}"), "the service ended");
    }
}

fn serve() -> Result<()> {
    let settings = SETTINGS.lock().unwrap_or_else(PoisonError::into_inner).take().context("no settings")?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let handle = service_control_handler::register(NAME, move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            stopping.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    let tell = |state, exit| {
        handle.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
            exit_code: ServiceExitCode::ServiceSpecific(exit),
            checkpoint: 0,
            wait_hint: STOPPING,
            process_id: None,
        })
    };
    tell(ServiceState::Running, 0)?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let ended = runtime.block_on(Box::pin(agent::run(settings, Clock::system(), stop)));
    tell(ServiceState::Stopped, u32::from(ended.is_err()))?;
    ended
}
