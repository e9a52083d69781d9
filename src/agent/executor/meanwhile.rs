//! A password that somebody else changed after the person asked for theirs: it stays. The person is told, and may ask again.
//!
//! pwdLastSet is by the clock of a domain controller, the ticket by the cloud's, so the difference is measured when it matters. What
//! this cannot see: a change less than [`TOLERANCE`] after the ticket, one behind "must change at next sign-in" (pwdLastSet = 0),
//! and one in the milliseconds between this look and the modify.

use super::{Executor, of_trouble};
use crate::{
    agent::{
        directory::{Account, Directory},
        policy::FROM_1601,
    },
    wire::{
        outcome::Code,
        ticket::{Kind, Ticket},
    },
};

/// Seconds. Both clocks are read in whole seconds, ours follows the cloud's within two, and two domain controllers may differ.
const TOLERANCE: i64 = 5;
/// A change this long before the ticket, in seconds, is before it by whatever clock: a domain whose clocks differ more does not work.
const LONG_BEFORE: i64 = 24 * 3600;

impl<D: Directory> Executor<D> {
    /// Refuses if the password was changed since the ticket by something else than an earlier job of ours.
    pub(super) async fn unchanged_since(&self, ticket: &Ticket, account: &Account) -> Result<(), Code> {
        // Unlocking, and taking a demand back, overwrite nothing of anybody's.
        if matches!(ticket.kind, Kind::Unlock | Kind::WaiveChange) {
            return Ok(());
        }
        let changed = account.pwd_last_set / 10_000_000 - FROM_1601;
        if account.pwd_last_set == 0 || changed < ticket.issued_at - LONG_BEFORE {
            return Ok(());
        }
        let asked = self.time.millis();
        let theirs = self.directory.clock(account).await.map_err(|trouble| of_trouble(&trouble))?;
        let ours = i64::midpoint(asked, self.time.millis()) / 1000;
        // By our clock, which follows the cloud's. A directory that does not tell its time is taken to have the same.
        let changed = changed + ours - theirs.unwrap_or(ours);
        if changed <= ticket.issued_at + TOLERANCE || self.journal.explains(ticket, account.pwd_last_set, changed, TOLERANCE) {
            return Ok(());
        }
        tracing::warn!(
            job.id = %ticket.job,
            user.guid = %ticket.user,
            password.changed_after_seconds = changed - ticket.issued_at,
            "somebody else changed this password after the ticket; it stays"
        );
        Err(Code::ChangedMeanwhile)
    }
}
