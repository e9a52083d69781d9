//! Parse the command line, run one command, print the error chain.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match sspr::cli::run(sspr::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sspr: {error:#}");
            ExitCode::FAILURE
        }
    }
}
