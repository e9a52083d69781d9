//! What only a real browser can show: pages as people see them, the sealing code, the whole journey.
//!
//! Wants Chromium and its driver; `bin/setup` installs both. Screenshots go to `tests/browser/shots`.

mod account;
mod branding;
mod console;
mod directories;
mod fleet;
mod journey;
mod methods;
mod need;
mod not_me;
mod pages;
mod people;
mod policies;
mod preview;
mod proofs;
mod sso;
mod support;
mod texts;
mod trail;
mod vectors;
mod work;
