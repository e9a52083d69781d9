//! Logs: for people on a terminal, JSON for machines. Field names are dotted; no field ever holds a secret, an address or a body.

use anyhow::{Context, Result};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use super::config;

pub fn start(settings: &config::Log) -> Result<()> {
    let filter = EnvFilter::try_new(&settings.filter).with_context(|| format!("log.filter = {:?}", settings.filter))?;
    let layer = match settings.format {
        config::LogFormat::Json => tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        config::LogFormat::Human => tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().context("the log is already started")
}
