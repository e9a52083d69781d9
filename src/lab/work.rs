//! Proof of work as the pages' script does it, for a browser without scripts.

use altcha::{Challenge, Payload, SolveChallengeOptions, solve_challenge};
use anyhow::{Context, Result, anyhow};
use data_encoding::BASE64;

/// What the hidden field gets for the challenge that it bears. Computes for as long as a browser's script would.
pub fn solve(challenge: &str) -> Result<String> {
    let challenge: Challenge = serde_json::from_str(challenge).context("a challenge")?;
    let solved = solve_challenge(SolveChallengeOptions::new(&challenge)).map_err(|error| anyhow!("a challenge: {error}"))?;
    let payload = Payload { solution: solved.context("a challenge that takes too long")?, challenge };
    Ok(BASE64.encode(&serde_json::to_vec(&payload)?))
}
