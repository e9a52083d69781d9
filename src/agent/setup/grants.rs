//! The commands that give the service account just what it needs, and take away what is too much: for Windows (dsacls, PowerShell)
//! and Samba.
//!
//! Names come from the directory, so everything is quoted: a unit may be called `'; rm -rf ~`.

use std::fmt::Write;

use super::finding::{Code, Fix};
use crate::agent::directory::sd::{Ace, LOCKOUT_TIME, PWD_LAST_SET, RESET_PASSWORD, Sid, USER_CLASS};

/// What is needed to serve one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Reset,
    Unlock,
    MustChange,
}

impl Right {
    pub const ALL: [Self; 3] = [Self::Reset, Self::Unlock, Self::MustChange];

    /// As administrators know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reset => "Reset password",
            Self::Unlock => "Write lockoutTime",
            Self::MustChange => "Write pwdLastSet",
        }
    }

    /// That it is missing.
    pub const fn missing(self) -> Code {
        match self {
            Self::Reset => Code::RightMissingReset,
            Self::Unlock => Code::RightMissingUnlock,
            Self::MustChange => Code::RightMissingMustChange,
        }
    }

    /// Of Windows' access list: kind of right, and on what.
    const fn sddl(self) -> (&'static str, uuid::Uuid) {
        match self {
            Self::Reset => ("CR", RESET_PASSWORD),
            Self::Unlock => ("WP", LOCKOUT_TIME),
            Self::MustChange => ("WP", PWD_LAST_SET),
        }
    }

    const fn dsacls(self) -> &'static str {
        match self {
            Self::Reset => "CA;Reset Password",
            Self::Unlock => "WP;lockoutTime",
            Self::MustChange => "WP;pwdLastSet",
        }
    }

    const fn dotnet(self) -> &'static str {
        match self {
            Self::Reset => "ExtendedRight",
            Self::Unlock | Self::MustChange => "WriteProperty",
        }
    }
}

/// Who gets it, and over which server.
#[derive(Debug, Clone)]
pub struct Grantee {
    pub sid: Sid,
    /// `svc@corp.example`
    pub principal: String,
    /// `ldaps://…`
    pub url: String,
    pub ca_file: String,
}

/// For a POSIX shell.
pub fn posix(text: &str) -> String {
    format!("'{}'", printable(text).replace('\'', r"'\''"))
}

/// For PowerShell, which ends a string at any of the typographic quotes, too.
pub fn powershell(text: &str) -> String {
    let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    let mut out = String::from("'");
    for c in printable(text).chars() {
        out.push(c);
        if quotes.contains(&c) {
            out.push(c);
        }
    }
    out.push('\'');
    out
}

/// For cmd.exe: no text with these signs can be quoted safely there, so there is no command then.
pub fn cmd(text: &str) -> Option<String> {
    let text = printable(text);
    (!text.contains(['"', '%', '!', '^', '&', '|', '<', '>'])).then(|| format!("\"{text}\""))
}

/// Control characters as LDAP writes them (RFC 4514), so that a name stays on its line.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(out, "\\{byte:02X}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

impl Grantee {
    /// Which server samba-tool talks to, and whom it believes: left alone it wants a list of revoked certificates, too.
    fn server(&self) -> String {
        let ca = posix(&format!("tls cafile={}", self.ca_file));
        format!("-H {} --option={ca} --option='tls verify peer=ca_and_name_if_available'", posix(&self.url))
    }

    fn samba(&self, action: &str, dn: &str, sddl: &str) -> Fix {
        let (server, dn) = (self.server(), posix(dn));
        let command = format!("samba-tool dsacl {action} {server} -U Administrator --objectdn={dn} --sddl='{sddl}'");
        Fix::Run { with: "samba-tool (on a domain controller, or after kinit)", command }
    }

    /// These rights on a unit, for the people in it and below.
    pub fn grant(&self, unit: &str, rights: &[Right]) -> Vec<Fix> {
        let aces = rights
            .iter()
            .map(|right| {
                let (kind, object) = right.sddl();
                format!("(OA;CIIO;{kind};{object};{USER_CLASS};{})", self.sid)
            })
            .collect::<Vec<_>>()
            .concat();
        let mut fixes = Vec::new();
        if let (Some(unit), Some(principal)) = (cmd(unit), cmd(&self.principal)) {
            let principal = principal.trim_matches('"');
            let grants = rights.iter().map(|right| format!(" \"{principal}:{};user\"", right.dsacls())).collect::<Vec<_>>().concat();
            fixes.push(Fix::Run { with: "dsacls (Windows, as a domain administrator)", command: format!("dsacls {unit} /I:S /G{grants}") });
        }
        let rules = rights
            .iter()
            .map(|right| {
                let (kind, object) = (right.dotnet(), right.sddl().1);
                format!(
                    "$acl.AddAccessRule([DirectoryServices.ActiveDirectoryAccessRule]::new($sid, '{kind}', 'Allow', [guid]'{object}', 'Descendents', $user))\n"
                )
            })
            .collect::<Vec<_>>().concat();
        fixes.push(self.powershell(unit, &format!("$user = [guid]'{USER_CLASS}'\n{rules}")));
        fixes.push(self.samba("set --action=allow", unit, &aces));
        fixes
    }

    fn powershell(&self, dn: &str, change: &str) -> Fix {
        change_list(&self.sid, dn, change)
    }

    /// Read what lies in this container: fine-grained policies.
    pub fn read(&self, container: &str) -> Vec<Fix> {
        let mut fixes = Vec::new();
        if let (Some(container), Some(principal)) = (cmd(container), cmd(&self.principal)) {
            let principal = principal.trim_matches('"');
            let command = format!("dsacls {container} /I:T /G \"{principal}:GR\"");
            fixes.push(Fix::Run { with: "dsacls (Windows, as a domain administrator)", command });
        }
        let rule = "$acl.AddAccessRule([DirectoryServices.ActiveDirectoryAccessRule]::new($sid, 'GenericRead', 'Allow', 'All'))\n";
        fixes.push(self.powershell(container, rule));
        fixes.push(self.samba("set --action=allow", container, &format!("(A;CI;RPLCLORC;;;{})", self.sid)));
        fixes
    }

    /// List and read what is deleted. Only the system and administrators may, so nobody else can grant it before the container is theirs.
    pub fn read_deleted(&self, container: &str) -> Vec<Fix> {
        // samba-tool does not find the container, because it is deleted itself.
        const SAMBA: &str = "import sys; from samba.auth import system_session; from samba.param import LoadParm; from samba.samdb import SamDB; \
             from samba.sd_utils import SDUtils; lp = LoadParm(); lp.load_default(); sd = SDUtils(SamDB(session_info=system_session(), lp=lp)); \
             dn, how = sys.argv[1], [\"show_deleted:1\", \"sd_flags:1:4\"]; sd.modify_sd_on_dn(dn, sd.get_sd_as_sddl(dn, how) + sys.argv[2], how)";
        let mut fixes = Vec::new();
        if let (Some(dn), Some(principal)) = (cmd(container), cmd(&self.principal)) {
            let principal = principal.trim_matches('"');
            let command = format!("dsacls {dn} /takeownership\ndsacls {dn} /G \"{principal}:LCRP\"");
            fixes.push(Fix::Run { with: "dsacls (Windows, as a domain administrator)", command });
        }
        let ace = posix(&format!("(A;;LCRP;;;{})", self.sid));
        let command = format!("/usr/bin/python3 -c '{SAMBA}' {} {ace}", posix(container));
        fixes.push(Fix::Run { with: "Python (on a Samba domain controller, as root)", command });
        fixes
    }

    /// Take this entry of the list away where it was made.
    pub fn revoke(&self, unit: &str, sddl: &str) -> Vec<Fix> {
        let mut fixes = Vec::new();
        if let (Some(unit), Some(principal)) = (cmd(unit), cmd(&self.principal)) {
            let command = format!("dsacls {unit} /R {principal}");
            fixes.push(Fix::Run { with: "dsacls (takes away all that the account has there; grant what is needed anew)", command });
        }
        let gone = "$acl.PurgeAccessRules($sid)\n";
        fixes.push(self.powershell(unit, gone));
        fixes.push(self.samba_delete(unit, sddl));
        fixes
    }

    fn samba_delete(&self, unit: &str, sddl: &str) -> Fix {
        match self.samba("delete", unit, sddl) {
            Fix::Run { command, .. } => Fix::Run { with: "samba-tool (4.24 or later; on a domain controller, or after kinit)", command },
            say @ Fix::Say(_) => say,
        }
    }

    /// Take an entry away that denies something, whomever it names, and nothing else. (dsacls could only take away all that it names.)
    pub fn lift(&self, place: &str, ace: &Ace) -> Vec<Fix> {
        let object = ace.object().unwrap_or_default();
        let change = format!(
            "$acl.Access | Where-Object {{ $_.AccessControlType -eq 'Deny' -and -not $_.IsInherited -and $_.ObjectType -eq [guid]'{object}' -and \
             $_.IdentityReference.Translate([Security.Principal.SecurityIdentifier]) -eq $sid }} | \
             ForEach-Object {{ [void]$acl.RemoveAccessRuleSpecific($_) }}\n"
        );
        vec![change_list(&ace.sid, place, &change), self.samba_delete(place, &ace.sddl())]
    }

    /// Out of a group. `account`: the service account's sAMAccountName.
    pub fn leave(&self, group: &str, account: &str) -> Vec<Fix> {
        let windows = format!("Remove-ADGroupMember -Identity {} -Members {} -Confirm:$false", powershell(group), powershell(account));
        let samba = format!("samba-tool group removemembers {} -U Administrator {} {}", self.server(), posix(group), posix(account));
        vec![
            Fix::Run { with: "PowerShell (ActiveDirectory module)", command: windows },
            Fix::Run { with: "samba-tool (on a domain controller, or after kinit)", command: samba },
        ]
    }

    /// Let one account inherit again.
    pub fn inherit(&self, dn: &str) -> Vec<Fix> {
        let mut fixes = Vec::new();
        if let Some(dn) = cmd(dn) {
            fixes.push(Fix::Run { with: "dsacls (Windows, as a domain administrator)", command: format!("dsacls {dn} /P:N") });
        }
        fixes.push(self.powershell(dn, "$acl.SetAccessRuleProtection($false, $true)\n"));
        fixes
    }
}

/// By PowerShell, what names this SID.
fn change_list(sid: &Sid, dn: &str, change: &str) -> Fix {
    let path = powershell(&format!("AD:\\{dn}"));
    let command = format!(
        "Import-Module ActiveDirectory\n$acl = Get-Acl -LiteralPath {path}\n$sid = [Security.Principal.SecurityIdentifier]'{sid}'\n{change}Set-Acl -LiteralPath {path} -AclObject $acl"
    );
    Fix::Run { with: "PowerShell (ActiveDirectory module)", command }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_a_name() {
        let hostile = "OU=a'; rm -rf ~ \u{2019}$(id)\"%PATH%\nx,DC=corp";
        assert_eq!(posix(hostile), "'OU=a'\\''; rm -rf ~ \u{2019}$(id)\"%PATH%\\0Ax,DC=corp'");
        assert_eq!(powershell(hostile), "'OU=a''; rm -rf ~ \u{2019}\u{2019}$(id)\"%PATH%\\0Ax,DC=corp'");
        assert_eq!((cmd(hostile), cmd("OU=a b,DC=c")), (None, Some("\"OU=a b,DC=c\"".to_owned())));
        assert_eq!(printable("a\u{85}b"), "a\\C2\\85b");
    }

    #[test]
    fn the_three_entries_are_those_of_the_manual() {
        let sid = Sid::read(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]).unwrap();
        let grantee = Grantee { sid, principal: "svc@corp.example".into(), url: "ldaps://dc1:636".into(), ca_file: "/ca.pem".into() };
        let all = grantee.grant("OU=Staff,DC=corp,DC=example", &Right::ALL);
        let commands = all.iter().map(|fix| if let Fix::Run { command, .. } = fix { command.as_str() } else { "" }).collect::<Vec<_>>();
        assert_eq!(
            commands[0],
            r#"dsacls "OU=Staff,DC=corp,DC=example" /I:S /G "svc@corp.example:CA;Reset Password;user" "svc@corp.example:WP;lockoutTime;user" "svc@corp.example:WP;pwdLastSet;user""#
        );
        assert_eq!(commands[1].lines().count(), 8);
        assert_eq!(
            commands[2],
            "samba-tool dsacl set --action=allow -H 'ldaps://dc1:636' --option='tls cafile=/ca.pem' --option='tls verify peer=ca_and_name_if_available' -U Administrator --objectdn='OU=Staff,DC=corp,DC=example' \
             --sddl='(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-18)\
             (OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-18)\
             (OA;CIIO;WP;bf967a0a-0de6-11d0-a285-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-18)'"
        );
    }
}
