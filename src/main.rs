//! Parse the command line, run one command, print the error chain.

use std::{io::Write, process::ExitCode};

use clap::Parser;

fn main() -> ExitCode {
    match sspr::cli::run(sspr::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading any more (`2>&1 | head`): that is no reason to panic.
            let _ = writeln!(std::io::stderr(), "sspr: {error:#}");
            ExitCode::FAILURE
        }
    }
}
