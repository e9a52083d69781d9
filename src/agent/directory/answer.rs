//! What a server's answers, and the library's failures, mean for the question: told no, not told at all, or ask another.

use ldap3::LdapError;

use super::Trouble;

/// Result codes of a server that cannot serve now, or not at all: referral (a read-only one), busy, unavailable.
const ELSEWHERE: [u32; 3] = [10, 51, 52];

/// The library's failures are all about the connection; answers come as results.
pub fn transport(error: LdapError) -> Trouble {
    match error {
        LdapError::LdapResult { result } => answered(result.rc, &result.text),
        LdapError::Timeout { .. } => Trouble::Unreachable("no answer in time".to_owned()),
        LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::IdScrubSend { .. } | LdapError::EndOfStream => {
            Trouble::Unreachable("the connection was closed".to_owned())
        }
        other => Trouble::Unreachable(other.to_string()),
    }
}

/// Only the code and the first eight hex digits are a contract; the text is for the log.
pub fn answered(code: u32, text: &str) -> Trouble {
    Trouble::Answered { code, win32: win32(text), text: text.trim_end_matches(['\0', '\n']).chars().take(300).collect() }
}

/// The Win32 code that opens a diagnostic message (`0000052D: …`); 0 when there is none.
pub fn win32(text: &str) -> u32 {
    let digits = text.get(..8).filter(|_| text.as_bytes().get(8).is_some_and(|&byte| byte == b':'));
    digits
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// Why the directory does not take an account, and what to do, from the one place where a refused bind tells it (Active Directory:
/// `… data 775, …`; others do not say).
pub fn refusal(text: &str) -> (&'static str, &'static str) {
    match text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ', '\0']).next()) {
        Some("52e" | "525") => {
            ("wrong name or password", "Check agent.directory.bind_dn and its password. It was tried once; trying on locks the account.")
        }
        Some("530") => ("it may not sign in at this time", "Let it sign in at any hour (logonHours)."),
        Some("531") => ("it may not sign in from here", "Let it sign in from this machine, or from any (userWorkstations)."),
        Some("532") => (
            "its password has expired",
            "Give the account a new password, one that does not run out if that is your custom, and put it where the agent reads it.",
        ),
        Some("533") => ("it is disabled", "Enable the account (Enable-ADAccount; samba-tool user enable)."),
        Some("701") => ("the account has expired", "Let it last longer (Set-ADAccountExpiration; samba-tool user setexpiry --noexpiry)."),
        Some("773") => (
            "it must change its password first",
            "Take \"User must change password at next logon\" off the account, or give it a new password without that.",
        ),
        Some("775") => (
            "it is locked",
            "Unlock the account (Unlock-ADAccount; samba-tool user unlock), and find out who tries wrong passwords: another agent with an old one, perhaps.",
        ),
        _ => (
            "wrong name or password, or it is locked, disabled or expired",
            "Check agent.directory.bind_dn and its password, and the state of the account. It was tried once; trying on locks the account.",
        ),
    }
}

pub(super) fn is_elsewhere(code: u32) -> bool {
    ELSEWHERE.contains(&code)
}

/// A server that cannot serve is as good as unreachable; its referrals are followed by nobody.
pub(super) fn elsewhere(code: u32, text: &str) -> Trouble {
    let why = match code {
        10 => "it refers to another server",
        51 => "it is busy",
        _ => "it is unavailable",
    };
    Trouble::Unreachable(format!("{why} ({code}) {}", text.trim_end_matches(['\0', '\n']).chars().take(100).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_account_is_told_what_it_is() {
        let text = |data: &str| format!("80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {data}, v3839\0");
        assert!(refusal(&text("775")).1.contains("Unlock") && refusal(&text("533")).1.contains("Enable"));
        assert_eq!(refusal(&text("52e")).0, "wrong name or password");
        assert_eq!(refusal("").0, refusal(&text("0")).0);
    }

    #[test]
    fn only_the_leading_code_is_read() {
        assert_eq!(win32("0000052D: Unwilling to perform - whatever"), 0x52D);
        assert_eq!(win32("0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"), 0x52D);
        assert_eq!(win32("00002098: Object CN=…"), 0x2098);
        assert_eq!(win32("error in module acl: insufficient access rights"), 0);
        assert_eq!((win32(""), win32("0000052D"), win32("+000052D: x"), win32("überüber: x")), (0, 0, 0, 0));
    }
}
