//! Private real servers for the demo and the tests: Postgres, a Samba domain controller, OpenLDAP, an OpenID provider, an inbox for mail and SMS; and a browser
//! without a screen to go through the pages with.
//!
//! Nothing here is a double: the code under test speaks its own protocols to the real programs. All of it is gone, processes
//! and directories, when the value is dropped and when this process dies by any means, SIGKILL included (`watchdog`).
//! Production code never imports this; only the demo and the tests do.

pub mod browser;
pub mod dns;
pub mod html;
pub mod inbox;
pub mod oidc;
pub mod postgres;
mod program;
pub mod samba;
pub mod scratch;
pub mod slapd;
pub mod users;
mod watchdog;
pub mod work;
