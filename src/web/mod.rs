//! The kit that every door uses. It knows no page of any door.

pub mod activity;
pub mod assets;
pub mod brand;
pub mod context;
pub mod cookie;
pub mod device;
pub mod error;
pub mod explained;
pub mod face;
pub mod form;
pub mod headers;
pub mod letter;
pub mod origin;
pub mod page;
pub mod tenancy;
pub mod upload;
pub mod work;

pub use context::Context;
pub use error::Error;
pub use page::Page;
pub use tenancy::Visitor;

/// What handlers and guards return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
