//! A browser that tests read as a person uses it, and small sites for it to visit.

pub mod agent;
pub mod browser;
pub mod driver;
pub mod pages;
pub mod site;
