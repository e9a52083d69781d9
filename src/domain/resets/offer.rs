//! A method as it was offered to a browser.

use serde::{Deserialize, Serialize};

use crate::domain::verification::Method;

/// A method as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub method: Method,
    /// For example `a•••@p•••.example`.
    pub masked: String,
    /// Of a number: where it counts. A decoy's is its donor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Offer {
    pub const fn new(method: Method, masked: String) -> Self {
        Self { method, masked, country: None }
    }
}
