//! The console, against the real server.

mod matrix;
mod operators;
mod settings;
mod sign_in;
