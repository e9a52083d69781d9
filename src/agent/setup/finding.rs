//! What a check found: a stable code (docs/error-codes.md, "What setup and doctor find"), about what, in words, and what to do.

use std::cmp::Reverse;

use serde::Serialize;

pub use crate::wire::checkup::Severity;
use crate::wire::checkup::{Checkup, FINDINGS, Found};

/// Code and severity go together, so that whoever watches codes need not read words.
macro_rules! codes {
    ($($name:ident = $text:literal, $severity:ident;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($name,)* }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    SettingsIncomplete = "settings_incomplete", Problem;
    ConfigOpen = "config_open", Problem;
    // The agent's own files.
    StateOk = "state_ok", Ok;
    StateOpen = "state_open", Problem;
    StateDamaged = "state_damaged", Problem;
    StateUnwritable = "state_unwritable", Problem;
    JournalDamaged = "journal_damaged", Problem;
    AuditBroken = "audit_broken", Problem;
    DiskLow = "disk_low", Warning;
    AgentNotEnrolled = "agent_not_enrolled", Problem;
    AgentStopped = "agent_stopped", Warning;
    KillSwitch = "kill_switch", Problem;
    MirrorHeld = "mirror_held", Warning;
    KeyOk = "key_ok", Ok;
    KeyMissing = "key_missing", Warning;
    // The cloud.
    CloudOk = "cloud_ok", Ok;
    CloudUnreachable = "cloud_unreachable", Problem;
    ClockOk = "clock_ok", Ok;
    ClockSkew = "clock_skew", Problem;
    AgentPending = "agent_pending", Problem;
    AgentRevoked = "agent_revoked", Problem;
    AgentUnknown = "agent_unknown", Problem;
    WritebackOff = "writeback_off", Warning;
    SelfServiceOff = "self_service_off", Warning;
    UnlockOff = "unlock_off", Note;
    // The way to the directory.
    DnsOk = "dns_ok", Ok;
    DnsSilent = "dns_silent", Warning;
    DnsNoServers = "dns_no_servers", Warning;
    DnsOtherServer = "dns_other_server", Note;
    DiscoveryFailed = "discovery_failed", Problem;
    ServerOk = "server_ok", Ok;
    ServerAway = "server_away", Warning;
    TlsOk = "tls_ok", Ok;
    TlsUnreachable = "tls_unreachable", Problem;
    TlsNotSpoken = "tls_not_spoken", Problem;
    TlsUnknownCa = "tls_unknown_ca", Problem;
    TlsNameMismatch = "tls_name_mismatch", Problem;
    TlsExpired = "tls_expired", Problem;
    TlsNotYetValid = "tls_not_yet_valid", Problem;
    TlsInvalid = "tls_invalid", Problem;
    TlsCaUnreadable = "tls_ca_unreadable", Problem;
    TlsExpiresSoon = "tls_expires_soon", Warning;
    WrongKind = "wrong_kind", Problem;
    BindOk = "bind_ok", Ok;
    BindRefused = "bind_refused", Problem;
    DirectoryFault = "directory_fault", Problem;
    // What the directory can do, and its rules.
    BaseMissing = "base_missing", Problem;
    UsersMissing = "users_missing", Problem;
    GroupMissing = "group_missing", Problem;
    CanaryUnusable = "canary_unusable", Warning;
    ControlsOk = "controls_ok", Ok;
    HintsMissing = "hints_missing", Warning;
    PagingMissing = "paging_missing", Problem;
    PpolicyMissing = "ppolicy_missing", Warning;
    DirectoryClock = "directory_clock", Warning;
    PolicyOk = "policy_ok", Ok;
    PolicyMissing = "policy_missing", Problem;
    PolicyUnreadable = "policy_unreadable", Warning;
    PsoOk = "pso_ok", Ok;
    PsoUnreadable = "pso_unreadable", Warning;
    DeletionsHidden = "deletions_hidden", Note;
    // What our account may do there.
    RightsOk = "rights_ok", Ok;
    RightMissingReset = "right_missing_reset", Problem;
    RightMissingUnlock = "right_missing_unlock", Problem;
    RightMissingMustChange = "right_missing_must_change", Problem;
    RightUnknown = "right_unknown", Warning;
    InheritanceOff = "inheritance_off", Problem;
    AccountProtected = "account_protected", Note;
    NobodyServed = "nobody_served", Warning;
    NotEverybodySeen = "not_everybody_seen", Note;
    RightsAdmin = "rights_admin", Problem;
    RightsTooMuch = "rights_too_much", Problem;
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    Say(String),
    /// A command for one tool, ready to run.
    Run {
        with: &'static str,
        command: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    /// A server, a unit, an account, a file.
    pub about: String,
    pub text: String,
    pub fix: Vec<Fix>,
}

impl Finding {
    pub fn new(code: Code, about: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code, about: about.into(), text: text.into(), fix: Vec::new() }
    }

    #[must_use]
    pub fn say(mut self, what: impl Into<String>) -> Self {
        self.fix.push(Fix::Say(what.into()));
        self
    }

    #[must_use]
    pub fn run(mut self, with: &'static str, command: impl Into<String>) -> Self {
        self.fix.push(Fix::Run { with, command: command.into() });
        self
    }

    #[must_use]
    pub fn with(mut self, fix: impl IntoIterator<Item = Fix>) -> Self {
        self.fix.extend(fix);
        self
    }
}

/// What all checks found, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|finding| finding.code.severity()).max().unwrap_or(Severity::Ok)
    }

    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }

    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.code.severity() == severity).count()
    }

    /// For the cloud, which is told codes and not names. `at`: seconds since 1970.
    pub fn checkup(&self, at: i64) -> Checkup {
        let mut findings = Vec::<Found>::new();
        for code in self.findings.iter().map(|finding| finding.code) {
            match findings.iter_mut().find(|found| found.code == code.as_str()) {
                Some(found) => found.count += 1,
                None => findings.push(Found { code: code.as_str().to_owned(), severity: code.severity(), count: 1 }),
            }
        }
        findings.sort_by_key(|found| Reverse(found.severity));
        findings.truncate(FINDINGS);
        Checkup { at, findings }
    }

    pub fn json(&self) -> serde_json::Value {
        let findings = self.findings.iter().map(|Finding { code, about, text, fix }| {
            serde_json::json!({ "code": code.as_str(), "severity": code.severity(), "about": about, "text": text, "fix": fix })
        });
        serde_json::json!({ "worst": self.worst(), "findings": findings.collect::<Vec<_>>() })
    }

    /// For a terminal. What the directory says is data: nothing of it may steer the terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: &str| {
            out.extend(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
            out.push('\n');
        };
        for Finding { code, about, text, fix } in &self.findings {
            let mark = if code.severity() == Severity::Problem { "PROBLEM" } else { code.severity().as_str() };
            line(&format!("{mark:8} {} [{}]", if about.is_empty() { text.clone() } else { format!("{about}: {text}") }, code.as_str()));
            for fix in fix {
                match fix {
                    Fix::Say(what) => line(&format!("         → {what}")),
                    Fix::Run { with, command } => {
                        line(&format!("         → {with}:"));
                        command.lines().for_each(|part| line(&format!("             {part}")));
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_does_not_steer_the_terminal() {
        let mut report = Report::default();
        report.add(Finding::new(Code::AccountProtected, "CN=\u{1b}[2J\r\nPROBLEM  x", "no").run("samba-tool", "a\tb"));
        let text = report.text();
        assert!(!text.contains('\u{1b}') && !text.contains('\r') && !text.contains('\t'), "{text:?}");
        assert_eq!((report.worst(), report.count(Severity::Note)), (Severity::Note, 1));
    }

    #[test]
    fn the_cloud_is_told_codes_and_no_names() {
        let mut report = Report::default();
        for (code, about) in
            [(Code::BindOk, "dc1"), (Code::RightMissingReset, "OU=a"), (Code::BindOk, "dc2"), (Code::DnsSilent, "corp.example")]
        {
            report.add(Finding::new(code, about, "text"));
        }
        let checkup = report.checkup(7);
        let found: Vec<_> = checkup.findings.iter().map(|found| (found.code.as_str(), found.count)).collect();
        assert_eq!((checkup.at, found), (7, vec![("right_missing_reset", 1), ("dns_silent", 1), ("bind_ok", 2)]));
        assert_eq!(checkup.worst(), Severity::Problem);
        assert!(Code::ALL.len() <= FINDINGS * 2 && Code::ALL.iter().all(|code| code.as_str().len() <= 64));
    }

    #[test]
    fn codes_are_told_apart() {
        let texts = Code::ALL.iter().map(|code| code.as_str()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
