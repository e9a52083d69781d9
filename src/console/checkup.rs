//! What an agent's own checks of its directory found, in words: above all, whether its account may do there what it has to.

use crate::{
    domain::fleet::Overseen,
    web::{
        Page,
        page::{When, when},
    },
    wire::checkup::{Checkup, Severity},
};

/// Key of the words, and how the dot looks: what the service account may do to those it serves. `None`: the checks did not get there.
pub fn rights(checkup: &Checkup) -> Option<(&'static str, &'static str)> {
    const MISSING: [&str; 4] = ["right_missing_reset", "right_missing_unlock", "right_missing_must_change", "inheritance_off"];
    const TOO_MUCH: [&str; 2] = ["rights_admin", "rights_too_much"];
    let bad = |codes: &[&str]| codes.iter().any(|code| checkup.has_as(code, Severity::Problem));
    let any = |codes: &[&str]| codes.iter().any(|code| checkup.has(code));
    Some(if bad(&MISSING) {
        ("fleet-rights-missing", "is-bad")
    } else if bad(&TOO_MUCH) {
        ("fleet-rights-too-much", "is-bad")
    } else if any(&["right_unknown", "nobody_served"]) {
        ("fleet-rights-unknown", "is-busy")
    } else if any(&["rights_ok"]) {
        ("fleet-rights-good", "is-good")
    } else {
        return None;
    })
}

pub struct Finding {
    pub text: String,
    pub code: String,
    pub look: &'static str,
    /// Of how many servers, units or accounts; one is not said.
    pub count: Option<u32>,
}

/// The last checks, without what is as it should be.
pub struct Checked {
    pub at: When,
    pub findings: Vec<Finding>,
}

impl Checked {
    pub fn of(page: &Page, agent: &Overseen) -> Option<Self> {
        let checkup = agent.beat.as_ref()?.checkup.as_ref()?;
        let at = time::OffsetDateTime::from_unix_timestamp(checkup.at).ok()?;
        let told = checkup.findings.iter().filter(|found| found.severity != Severity::Ok).map(|found| {
            let key = format!("finding-{}", found.code.replace('_', "-"));
            Finding {
                // A newer agent knows more than we have words for.
                text: if page.has(&key) { page.t(&key).into_owned() } else { page.t("fleet-finding-unknown").into_owned() },
                code: found.code.chars().take(64).collect(),
                look: match found.severity {
                    Severity::Problem => "is-bad",
                    Severity::Warning => "is-busy",
                    Severity::Note | Severity::Ok => "is-off",
                },
                count: (found.count > 1).then_some(found.count),
            }
        });
        Some(Self { at: when(page.language(), at), findings: told.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::checkup::Found;

    #[test]
    fn the_worst_of_the_rights_is_what_is_said() {
        let said = |codes: &[&str]| {
            let found = |code: &&str| Found { code: (*code).to_owned(), severity: Severity::Problem, count: 1 };
            rights(&Checkup { at: 0, findings: codes.iter().map(found).collect() }).map(|(key, _)| key)
        };
        assert_eq!(said(&["bind_refused"]), None);
        assert_eq!(said(&["rights_ok"]), Some("fleet-rights-good"));
        assert_eq!(said(&["rights_ok", "right_unknown"]), Some("fleet-rights-unknown"));
        assert_eq!(said(&["rights_ok", "rights_too_much"]), Some("fleet-rights-too-much"));
        assert_eq!(said(&["rights_ok", "rights_too_much", "inheritance_off"]), Some("fleet-rights-missing"));
    }
}
