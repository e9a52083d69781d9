//! One binary for all tests against the real router, a real Postgres and real directories.

mod agent;
mod agent_api;
mod architecture;
mod carriers;
mod chaos;
mod clones;
mod codes;
mod conform;
mod demo;
mod description;
mod fuzz;
mod handoff;
mod hostile;
mod identity;
mod lab;
mod norms;
mod portal;
mod schema;
mod queue;
mod serving;
mod support;
mod vectors;
mod vendored;
mod whole;
mod words;
mod wrong_agent;
