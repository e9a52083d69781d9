//! The console, against the real server.

mod matrix;
mod operators;
mod sign_in;
