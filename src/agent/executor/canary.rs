//! The canary's own change: nobody's job, but what a job would meet is met here, server by server, and nothing less is asked of it.

use std::time::Instant;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Executor, of_trouble};
use crate::{
    agent::{
        audit::Entry,
        directory::{Account, ApplyError, Directory, Effect, dn},
    },
    base::id,
    wire::{
        b64,
        message::CanaryRun,
        outcome::Code,
        seal::{PASSWORD_MAX_UTF16, Secrets},
        ticket::Kind,
    },
};

/// How its sign-in name must begin, so that a wrong line in the settings takes nobody's password away.
pub const NAME: &str = "sspr-canary";
/// Characters of a password at the least: one of each class, and 256 random bits.
const LENGTH: usize = 47;

impl<D: Directory> Executor<D> {
    /// Give the canary a new random password at that server, and sign in there with it. The password is kept nowhere.
    pub async fn canary(&self, user: Uuid, server: &str) -> CanaryRun {
        let (at, begun) = (self.time.now(), Instant::now());
        let mut code = self.sing(user, server).await;
        // Another agent of this directory may have been at it in between.
        if code == Code::NotReadBack {
            code = self.sing(user, server).await;
        }
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        if code == Code::Applied {
            tracing::debug!(directory.dc = %server, canary.ms = millis, "the canary sings");
        } else {
            tracing::warn!(directory.dc = %server, canary.code = code.as_str(), "the canary's password could not be set");
        }
        self.audit.note(self.time.now(), Entry::Canary { user, code: code.as_str().to_owned(), dc: server.to_owned() }).await;
        CanaryRun { server: server.to_owned(), at, code, millis }
    }

    async fn sing(&self, user: Uuid, server: &str) -> Code {
        match self.sing_at(user, server).await {
            Ok(()) => Code::Applied,
            Err(code) => code,
        }
    }

    async fn sing_at(&self, user: Uuid, server: &str) -> Result<(), Code> {
        if self.is_switched_off() {
            return Err(Code::SwitchedOff);
        }
        let account = self.directory.inspect_on(user, server).await.map_err(|trouble| of_trouble(&trouble))?.ok_or(Code::Gone)?;
        self.is_canary(&account).await?;
        let policy = self.directory.policy(&account).await.map_err(|trouble| of_trouble(&trouble))?;
        let secrets = Secrets { new: password(policy.rules.map_or(0, |rules| rules.min_length)), old: Zeroizing::default() };
        let begun = Entry::CanaryBegun { user, dc: server.to_owned() };
        if self.audit.record(self.time.now(), begun).await.is_err() {
            return Err(Code::AuditUnwritable);
        }
        match self.directory.apply(&account, Effect::Reset(&secrets.new)).await {
            Ok(()) => {}
            Err(ApplyError::NotSent(_) | ApplyError::Lost { .. }) => return Err(Code::DirectoryUnreachable),
            Err(ApplyError::Refused { code, text }) => {
                return Err(self.refused(Kind::Reset, &account, &secrets, code, &text).await.code.unwrap_or(Code::DirectoryError));
            }
        }
        let bound = self.directory.bind(&account, &secrets.new).await.map_err(|trouble| of_trouble(&trouble))?;
        if bound.is_right() { Ok(()) } else { Err(Code::NotReadBack) }
    }

    /// Nobody's, and where an account must be that is served.
    async fn is_canary(&self, account: &Account) -> Result<(), Code> {
        let is_served =
            dn::is_below(&account.dn, &self.users_dn) && self.directory.serves(account).await.map_err(|trouble| of_trouble(&trouble))?;
        if !is_served {
            return Err(Code::OutOfScope);
        }
        if self.is_protected(account) || !account.sam.to_lowercase().starts_with(NAME) {
            return Err(Code::AccountProtected);
        }
        if account.disabled { Err(Code::AccountDisabled) } else { Ok(()) }
    }
}

/// As long as the policy asks for, where that is longer.
fn password(least: u32) -> Zeroizing<String> {
    let length = (least as usize).clamp(LENGTH, PASSWORD_MAX_UTF16);
    let mut password = Zeroizing::new("aA1-".to_owned());
    while password.len() < length {
        password.push_str(&b64(&id::random_bytes::<32>()));
    }
    password.truncate(length);
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_enough_and_another_each_time() {
        for least in [0, 50, 100, 256] {
            let (one, other) = (password(least), password(least));
            assert!(one.len() >= LENGTH && one.len() >= least as usize && one != other);
            assert!(one.len() <= PASSWORD_MAX_UTF16, "{}", one.len());
        }
    }
}
