//! Self-service password reset, sealed from the browser to the agent.
//!
//! The modules stand in floor order, bottom to top; each imports only what is listed above it, and `tests/it/architecture.rs`
//! holds us to it. To see one request, read `portal/password.rs`, then `domain/resets`, then `agent`.

pub mod base;
pub mod wire;
#[cfg(unix)]
pub mod lab;
pub mod agent;
pub mod carriers;
pub mod provider;
pub mod domain;
pub mod app;
pub mod web;
pub mod portal;
pub mod console;
pub mod agent_api;
pub mod server;
pub mod worker;
pub mod cli;
