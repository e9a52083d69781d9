//! `cargo fuzz run ppolicy`

#![no_main]

#[allow(dead_code, reason = "the others have binaries of their own")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::password_policy(data));
