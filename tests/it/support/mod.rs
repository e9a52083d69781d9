//! What the tests stand on: a database each, the real server over real HTTP, a browser without a screen, and an agent driven by
//! hand that speaks the real protocol with real keys.

pub mod agent;
pub mod authenticator;
pub mod cloud;
pub mod database;
pub mod neighbour;
pub mod office;
mod operator;
pub mod person;
pub mod provider;
pub mod wire;

pub use agent::HandAgent;
pub use cloud::Cloud;
pub use office::Office;
pub use person::Person;
pub use wire::Wire;
