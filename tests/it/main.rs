//! One binary for all tests against the real router, a real Postgres and real directories.

mod agent;
mod carriers;
mod lab;
