//! FLOOR 0: clock, colours, ids, settings, secrets at rest, database, logs, languages, typed codes. Knows nothing of the product.

pub mod clock;
pub mod colour;
pub mod config;
pub mod db;
pub mod id;
pub mod language;
pub mod log_file;
pub mod private;
pub mod secret;
pub mod slow_hash;
pub mod telemetry;
pub mod typed;
