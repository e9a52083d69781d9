//! `cargo fuzz run directory`

#![no_main]

#[allow(dead_code, reason = "the others have binaries of their own")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::directory(data));
