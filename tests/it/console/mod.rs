//! The console, against the real server.

mod agents;
mod connectors;
mod matrix;
mod operators;
mod overview;
mod settings;
mod sign_in;
