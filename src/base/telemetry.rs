//! Logs: for people on a terminal, JSON for machines. Field names are dotted; no field ever holds a secret, an address or a body.

use std::sync::Mutex;

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, Layer, fmt::writer::BoxMakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use super::{config, log_file::LogFile};

pub fn start(settings: &config::Log) -> Result<()> {
    let filter = EnvFilter::try_new(&settings.filter).with_context(|| format!("log.filter = {:?}", settings.filter))?;
    let to_file = !settings.file.as_os_str().is_empty();
    let writer = if to_file {
        let file = LogFile::open(&settings.file, u64::from(settings.file_megabytes) << 20, settings.file_keep);
        BoxMakeWriter::new(Mutex::new(file.with_context(|| format!("log.file: opening {}", settings.file.display()))?))
    } else {
        BoxMakeWriter::new(std::io::stderr)
    };
    let layer = match settings.format {
        config::LogFormat::Json => tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer).boxed(),
        config::LogFormat::Human => tracing_subscriber::fmt::layer().with_target(false).with_ansi(!to_file).with_writer(writer).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().context("the log is already started")
}
