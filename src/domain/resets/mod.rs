//! The journey of one browser, from a name to a new password. All its state is here; the browser holds a random cookie.
//!
//! `begin` → `choose` → (`count_try`, `prove`) once per gate → what the directory says of the account → `offer` a ticket → `submit`
//! the sealed job, or `unlock` → the agent's result through `settle`. A flow for a name that does not exist is a *decoy*: same steps, same work, and no way to be verified, which
//! the schema holds too.

mod ask;
mod begin;
mod continuity;
mod flow;
mod freeze;
mod linked;
mod need;
mod offer;
mod proof;
mod ticket;
mod settle;
mod submit;

pub use ask::{Unlocking, look_again, unlock};
pub use begin::{Begun, begin, methods_of, offers};
pub use continuity::restore_doubt;
pub use flow::{Ending, Flow, Step, again, aim, clean, end, leave, load, reload, wants_password};
pub use freeze::{Frozen, Why, freeze, lift};
pub use linked::{Following, TargetView, targets};
pub use need::{Look, Way};
pub use offer::Offer;
pub use proof::{Chosen, Proof, Proven, Waiting, choose, count_try, prove, waiting};
pub use settle::{Ask, Report, lease, put_back, settle, settle_closely, swept, withdraw};
pub use submit::{Accepted, Admitted, Sealed, SubmitRefused, Waits, admit, submit, submit_closely};
pub use ticket::{Offered, Permit, offer};

/// From the first step until the proof must be complete, and again from there to the end.
pub const LIFETIME: time::Duration = time::Duration::minutes(15);
