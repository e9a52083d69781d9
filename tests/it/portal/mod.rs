//! The journey in a browser without a screen, against the real server; the agent is driven by hand.

mod journey;
