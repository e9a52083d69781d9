//! What changes an account in Active Directory, each one modify, and what its answers mean.

use std::{collections::HashSet, time::Duration};

use ldap3::{LdapError, Mod, controls::RawControl};
use uuid::Uuid;

use super::{
    super::{
        Account, ApplyError, Bind, Effect, Trouble,
        answer::{answered, elsewhere, is_elsewhere, transport, win32},
        attributes::NEVER_CHANGED,
        bytes::{Bytes, bytes, replace},
    },
    Ad, guid,
};
use crate::{agent::policy, wire::outcome::Code};

/// Setting a password costs the server key derivation, and a queue may stand before us.
const MODIFY: Duration = Duration::from_secs(10);

/// unicodePwd: UTF-16LE of the password in quotes (MS-ADTS 3.1.1.3.1.5). Room is made first, so that growing leaves no copy.
fn unicode_pwd(password: &str) -> Bytes {
    let mut value = Bytes(Vec::with_capacity(2 * password.len() + 4));
    for unit in std::iter::once(u16::from(b'"')).chain(password.encode_utf16()).chain(std::iter::once(u16::from(b'"'))) {
        value.0.extend_from_slice(&unit.to_le_bytes());
    }
    value
}

fn modifications(effect: Effect<'_>) -> Vec<Mod<Bytes>> {
    let password = |new| replace("unicodePwd", unicode_pwd(new));
    let unlock = || replace("lockoutTime", bytes("0"));
    // MS-ADTS 3.1.1.5.3.2: only 0 (must change) and -1 (as of now) can be written.
    let last_set = |value| replace("pwdLastSet", bytes(value));
    match effect {
        Effect::Reset(new) => vec![password(new), unlock()],
        Effect::Temporary(new) => vec![password(new), unlock(), last_set("0")],
        Effect::Change { old, new } => vec![
            Mod::Delete(bytes("unicodePwd"), HashSet::from([unicode_pwd(old)])),
            Mod::Add(bytes("unicodePwd"), HashSet::from([unicode_pwd(new)])),
        ],
        Effect::Unlock => vec![unlock()],
        Effect::RequireChange => vec![last_set("0")],
        Effect::WaiveChange => vec![last_set("-1")],
    }
}

impl Ad {
    /// At the server that told of the account, and at no other: what is asked of another is decided by who sees its state.
    pub(super) async fn modify(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        if matches!(effect, Effect::RequireChange) {
            self.can_be_asked(account.guid).await?;
        }
        let mut session = self.jobs.session_on(&account.server.name).await.map_err(ApplyError::NotSent)?;
        self.links.servers.write(account.guid, &session.server.name);
        // A change is held to all rules by itself. A temporary password is changed at once, under them; and with both the control and
        // pwdLastSet = 0 in one modify Samba 4.24 measures the age of a password of 1601 and refuses every one as too young.
        let is_reset = matches!(effect, Effect::Reset(_));
        if let Some(oid) = session.server.policy_hints.clone().filter(|_| is_reset) {
            // SEQUENCE { Flags INTEGER 1 }: enforce what a reset would skip.
            let value = Some(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
            session.ldap.with_controls(RawControl { ctype: oid, crit: true, val: value });
        }
        match session.ldap.with_timeout(MODIFY).modify(&guid(account.guid), modifications(effect)).await {
            Ok(result) if result.rc == 0 => {
                self.jobs.answered(&session);
                Ok(())
            }
            Ok(result) if is_elsewhere(result.rc) => {
                let trouble = elsewhere(result.rc, &result.text);
                self.jobs.useless(&session, &trouble.to_string()).await;
                Err(ApplyError::NotSent(trouble))
            }
            Ok(result) => Err(refused(effect, result.rc, &result.text)),
            Err(error) => {
                self.jobs.broken(&session).await;
                let hung = matches!(error, LdapError::Timeout { .. });
                match error {
                    // The connection's task was gone before it took the request.
                    error @ LdapError::OpSend { .. } => Err(ApplyError::NotSent(transport(error))),
                    error => Err(ApplyError::Lost { why: transport(error).to_string(), hung }),
                }
            }
        }
    }
}

impl Ad {
    /// A password that never expires is never asked to be changed: writing pwdLastSet would be a success without effect.
    async fn can_be_asked(&self, user: Uuid) -> Result<(), ApplyError> {
        let entry = self.look(&guid(user), &["userAccountControl"]).await.map_err(ApplyError::NotSent)?;
        if entry.is_some_and(|entry| entry.bits("userAccountControl") & NEVER_CHANGED != 0) {
            let text = "the account's password never expires, or it signs in by smart card: nobody is asked to change it".to_owned();
            return Err(ApplyError::Refused { code: Some(Code::NotSupported), text });
        }
        Ok(())
    }
}

/// By result code and Win32 code only: texts differ between servers and versions.
fn refused(effect: Effect<'_>, rc: u32, answer: &str) -> ApplyError {
    const CONSTRAINT: u32 = 19;
    const INVALID_PASSWORD: u32 = 0x56;
    const LOCKED_OUT: u32 = 0x775;
    let is_change = matches!(effect, Effect::Change { .. });
    let code = match (rc, win32(answer)) {
        (_, INVALID_PASSWORD) if is_change => Some(Code::WrongPassword),
        (_, LOCKED_OUT) => Some(Code::AccountLocked),
        // Everybody may change their password, unless that was taken away: Samba says so with 19 and no Win32 code.
        (CONSTRAINT, 0) if is_change => Some(Code::ChangeNotAllowed),
        (rc, win32) => match (policy::classify(rc, win32), effect) {
            (Some(Code::NoRight), Effect::Change { .. }) => Some(Code::ChangeNotAllowed),
            (Some(Code::NoRight), Effect::Unlock) => Some(Code::NoUnlockRight),
            (Some(Code::NoRight), Effect::RequireChange | Effect::WaiveChange) => Some(Code::NoFlagRight),
            (code, _) => code,
        },
    };
    ApplyError::Refused { code, text: answered(rc, answer).to_string() }
}

/// What a bind's answer says of the password.
pub(super) fn bound(rc: u32, text: &str) -> Result<Bind, Trouble> {
    const INVALID_CREDENTIALS: u32 = 49;
    Ok(match (rc, reason(text)) {
        (0, _) => Bind::Right,
        // These four are told only to who knows the password.
        (INVALID_CREDENTIALS, Some("532")) => Bind::PasswordExpired,
        (INVALID_CREDENTIALS, Some("773")) => Bind::MustChange,
        (INVALID_CREDENTIALS, Some("533")) => Bind::Disabled,
        (INVALID_CREDENTIALS, Some("701")) => Bind::AccountExpired,
        (INVALID_CREDENTIALS, Some("775")) => Bind::Locked,
        (INVALID_CREDENTIALS, Some("52e")) => Bind::Wrong,
        (INVALID_CREDENTIALS, _) => Bind::Unclear,
        _ => return Err(answered(rc, text)),
    })
}

/// `…, data 773, …` of a refused bind: the one place where the reason stands.
fn reason(text: &str) -> Option<&str> {
    let rest = &text[text.find("data ")? + 5..];
    rest.split([',', ' ', '\0']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        assert_eq!(unicode_pwd("aß🗝").0, [b'"', 0, b'a', 0, 0xDF, 0, 0x3D, 0xD8, 0xDD, 0xDD, b'"', 0]);
    }

    #[test]
    fn a_bind_tells_what_it_tells() {
        let of = |data: &str| {
            bound(49, &format!("80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1\0")).unwrap()
        };
        let cases = [
            ("52e", Bind::Wrong),
            ("532", Bind::PasswordExpired),
            ("773", Bind::MustChange),
            ("533", Bind::Disabled),
            ("701", Bind::AccountExpired),
            ("775", Bind::Locked),
            ("525", Bind::Unclear),
        ];
        for (data, expected) in cases {
            assert_eq!(of(data), expected, "{data}");
        }
        assert_eq!((bound(0, "").unwrap(), bound(49, "nothing").unwrap()), (Bind::Right, Bind::Unclear));
        assert!(bound(8, "BindSimple: Transport encryption required.").is_err());
    }

    #[test]
    fn a_refusal_is_told_by_what_was_asked_for() {
        let change = Effect::Change { old: "a", new: "b" };
        let cases = [
            (Effect::Reset("a"), 53, "0000052D: x", Some(Code::PolicyOther)),
            (Effect::Reset("a"), 50, "error in module acl", Some(Code::NoRight)),
            (Effect::Reset("a"), 19, "error in module acl", None),
            (change, 19, "0000052D: x", Some(Code::PolicyOther)),
            (change, 19, "00000056: x", Some(Code::WrongPassword)),
            (change, 19, "00000775: x", Some(Code::AccountLocked)),
            (change, 19, "error in module acl", Some(Code::ChangeNotAllowed)),
            (change, 50, "00000005: x", Some(Code::ChangeNotAllowed)),
            (Effect::Unlock, 50, "00002098: x", Some(Code::NoUnlockRight)),
            (Effect::RequireChange, 50, "00002098: x", Some(Code::NoFlagRight)),
            (Effect::WaiveChange, 50, "00002098: x", Some(Code::NoFlagRight)),
            (Effect::Unlock, 32, "", Some(Code::Gone)),
            (Effect::Unlock, 80, "00000057: x", None),
        ];
        for (effect, rc, text, expected) in cases {
            let ApplyError::Refused { code, .. } = refused(effect, rc, text) else { panic!("not refused") };
            assert_eq!(code, expected, "{rc} {text}");
        }
    }
}
