//! The journey in a browser without a screen, against the real server; the agent is driven by hand.

mod account;
mod change;
mod codes;
mod contacts;
mod decoys;
mod input;
mod jobs;
mod journey;
mod limits;
mod linked;
mod links;
mod mailboxes;
mod methods;
mod nameless;
mod need;
mod notices;
mod not_me;
mod sign_in;
mod stay;
mod steps;
mod stranded;
mod walk;
pub mod policies;
mod reminders;
mod work;
mod registration;
mod rises;
