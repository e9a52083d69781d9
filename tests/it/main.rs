//! One binary for all tests against the real router, a real Postgres and real directories.

mod codes;
mod vendored;
mod vectors;
mod words;
