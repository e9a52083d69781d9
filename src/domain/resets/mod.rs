//! The journey of one browser, from a name to a new password. All its state is here; the browser holds a random cookie.
//!
//! `begin` → `choose` → (`count_try`, `prove`) once per gate → what the directory says of the account → `offer` a ticket → `submit`
//! the sealed job, or `unlock` → the agent's result through `settle`. A flow for a name that does not exist is a *decoy*: same steps, same work, and no way to be verified, which
//! the schema holds too.
//!
//! A journey may also be for a change, where the old password is known, or for signing in to one's account page ([`Purpose`]).

mod ask;
mod begin;
mod current;
mod continuity;
mod flow;
mod freeze;
mod linked;
mod nameless;
mod need;
mod offer;
mod proof;
mod purpose;
mod ticket;
mod settle;
mod submit;
mod turns;
mod within;

pub use ask::{Unlocking, look_again, unlock};
pub use begin::{Begun, How, begin, is_enough, looks, may_call, methods_of};
pub use continuity::restore_doubt;
pub use current::{Entry, check, count_password, enter, renew, uncount_password};
pub use flow::{Ending, Flow, Step, load, reload};
pub use freeze::{Frozen, Why, freeze, lift};
pub use linked::{Following, TargetView, superseded, targets};
pub use nameless::{Signed, begin_nameless};
pub use need::{Look, Way, last_look, way};
pub use offer::Offer;
pub use proof::{Chosen, Proof, Proven, Waiting, choose, count_try, prove, waiting, waits};
pub use purpose::Purpose;
pub use settle::{Ask, Report, lease, put_back, settle, settle_closely, strand, swept, withdraw};
pub use submit::{Accepted, Admitted, KEY_GRACE, Sealed, SubmitRefused, Waits, admit, submit, submit_closely};
pub use ticket::{Offered, Permit, offer};
pub use turns::{again, aim, clean, end, extend, leave, wants_password};
pub use within::begin_within;

/// From the first step until the proof must be complete, and again from there to the end.
pub const LIFETIME: time::Duration = time::Duration::minutes(15);
/// The longest way to the next proof: whoever waits for the help desk, asks for more time, and is told the code at the last moment.
pub const LONGEST: time::Duration = super::verification::PATIENCE.saturating_add(LIFETIME).saturating_add(super::verification::LIFETIME);
