//! The console, against the real server.

mod above;
mod acts;
mod agents;
mod approvals;
mod approvals_apart;
mod branding;
mod connectors;
mod estate;
mod foreign;
mod audit;
mod history;
mod jobs;
mod matrix;
mod operators;
mod overview;
mod people;
mod policies;
mod settings;
mod sign_in;
mod sso;
mod texts;
