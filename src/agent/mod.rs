//! FLOOR 1: the reference agent.
pub mod caps;
pub mod directory;
pub mod executor;
pub mod journal;
pub mod keys;
mod lanes;
pub mod policy;
pub mod state;
pub mod time;
