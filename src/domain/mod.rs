//! The nouns, bottom to top: each may use only those above it in this list. They hold the rules and the SQL; they never hear of
//! HTTP, never begin or commit a transaction, never touch the network.
//!
//! - *tenant*: an organisation, and the [`tenants::Scope`] without which nothing of it can be read
//! - *audit*: what happened, append-only, written in the transaction of the act
//! - *history*: what administrators changed, whole, before and after
//! - *limits*: counters per account, client address, destination, country and tenant, across flows
//! - *work*: what a browser computes before anything is done for it, each proof good once
//! - *notifications*: messages that wait to be sent
//! - *texts*: what the messages to people say, where it is not what we say
//! - *policies*: who may reset, and by which methods of proof
//! - *users*: people as their directory has them
//! - *settings*: what an administrator says of the whole tenant
//! - *branding*: how a tenant's pages look, and whom its people are told to ask
//! - *freezes*: accounts for which nothing is done from here until an operator has looked
//! - *notices*: what people are told of what happened to their account, and their word that it was not them
//! - *fleet*: connectors (one directory each), their agents and the agents' keys
//! - *queue*: jobs, from the ticket to the signed result
//! - *authenticators*: what somebody has registered to prove themselves by: apps, passkeys, recovery codes
//! - *verification*: ways to prove who somebody is, and the codes that are sent for it
//! - *contacts*: mailboxes and numbers that people add themselves
//! - *operators*: who runs the service at a tenant, how they sign in, and what each may do
//! - *sessions*: browsers in which somebody has signed in to their own account page
//! - *resets*: the journey of one browser from a name to a new password
//! - *obstacles*: what stands between one person and a new password, and what would remove it
//! - *coverage*: who can use self-service, who cannot, and why
//! - *registration*: asking people to put their methods of proof in order
//! - *reports*: what the service did, hour by hour
//! - *acts*: what operators do for a person, and for whom they may not
//! - *approvals*: acts that one operator wants and another one allows
//! - *sso*: the OpenID provider at which operators sign in

pub mod tenants;
pub mod audit;
pub mod history;
pub mod limits;
pub mod work;
pub mod notifications;
pub mod texts;
pub mod policies;
pub mod users;
pub mod settings;
pub mod branding;
pub mod freezes;
pub mod notices;
pub mod fleet;
pub mod queue;
pub mod authenticators;
pub mod verification;
pub mod contacts;
pub mod operators;
pub mod sessions;
pub mod resets;
pub mod obstacles;
pub mod coverage;
pub mod registration;
pub mod reports;
pub mod acts;
pub mod approvals;
pub mod sso;
