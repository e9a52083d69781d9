//! Our own words, as templates: what is sent where a tenant has no others, and what an administrator begins with.

use super::{Matter, Slot, Text, Which};
use crate::{base::language::Language, domain::notifications::Channel};

/// Paragraphs that are no words.
const CODE: &str = "{{code}}";
const DETAILS: &str = "{{details}}";

/// What we say.
pub fn ours(which: Which) -> Text {
    let Which { matter, channel, language } = which;
    let said = |key: &str| words(language, key);
    let (subject, body) = mail(matter);
    match channel {
        Channel::Sms => Text { subject: String::new(), body: said(sms(matter).unwrap_or(subject)) },
        Channel::Email | Channel::Nowhere => {
            let paragraphs = ["mail-greeting"].iter().chain(body);
            let body: Vec<String> = paragraphs.map(|key| if key.starts_with('{') { (*key).to_owned() } else { said(key) }).collect();
            Text { subject: said(subject), body: body.join("\n\n") }
        }
    }
}

/// Fluent's words with a placeholder for each value.
fn words(language: Language, key: &str) -> String {
    let [organisation, name, code, minutes, method, when, page] =
        [Slot::Organisation, Slot::Name, Slot::Code, Slot::Minutes, Slot::Method, Slot::When, Slot::Page].map(Slot::typed);
    let values = [
        ("tenant", &*organisation),
        ("name", &*name),
        ("code", &*code),
        ("minutes", &*minutes),
        ("method", &*method),
        ("when", &*when),
        ("url", &*page),
        ("page", &*page),
    ];
    language.text_with(key, &values)
}

/// Keys of the subject and of the paragraphs behind the greeting.
const fn mail(matter: Matter) -> (&'static str, &'static [&'static str]) {
    match matter {
        Matter::Code => ("mail-code-subject", &["mail-code-intro", CODE, "mail-code-valid", "mail-code-not-you"]),
        Matter::ContactCode => ("mail-code-subject", &["mail-contact-code-intro", CODE, "mail-code-valid", "mail-contact-code-not-you"]),
        Matter::Changed => ("mail-changed-subject", &["mail-changed-intro", DETAILS, "mail-changed-you"]),
        Matter::ChangedAgain => ("mail-again-subject", &["mail-again-intro", DETAILS, "mail-again-you"]),
        Matter::Unlocked => ("mail-unlocked-subject", &["mail-unlocked-intro", DETAILS, "mail-you"]),
        Matter::Tries => ("mail-tries-subject", &["mail-tries-intro", DETAILS, "mail-tries-you"]),
        Matter::MethodAdded => ("mail-method-subject", &["mail-method-added", DETAILS, "mail-you"]),
        Matter::MethodRemoved => ("mail-method-subject", &["mail-method-removed", DETAILS, "mail-you"]),
        Matter::MethodChanged => ("mail-method-subject", &["mail-method-changed", DETAILS, "mail-you"]),
        Matter::MethodStopped => ("mail-method-subject", &["mail-method-stopped", DETAILS]),
        Matter::CodesLow => ("mail-codes-subject", &["mail-codes-intro", DETAILS, "mail-codes-page", "mail-you"]),
        Matter::ContactMail => ("mail-contact-subject", &["mail-contact-mail", DETAILS, "mail-contact-you"]),
        Matter::ContactMobile => ("mail-contact-subject", &["mail-contact-mobile", DETAILS, "mail-contact-you"]),
        Matter::ContactBoth => ("mail-contact-subject", &["mail-contact-both", DETAILS, "mail-contact-you"]),
        Matter::Frozen => ("mail-frozen-subject", &["mail-frozen-intro", DETAILS, "mail-frozen-then"]),
        Matter::Lifted => ("mail-lifted-subject", &["mail-lifted-intro", DETAILS, "mail-lifted-you"]),
        Matter::HelpDesk => ("mail-helpdesk-subject", &["mail-helpdesk-intro", DETAILS, "mail-you"]),
        Matter::Invitation => ("mail-invitation-subject", &["mail-invitation-intro", "mail-register-page", "mail-invitation-then"]),
        Matter::Register => ("mail-register-subject", &["mail-register-intro", "mail-register-page", "mail-register-password"]),
        Matter::Reconfirm => ("mail-reconfirm-subject", &["mail-reconfirm-intro", "mail-register-page", "mail-register-password"]),
        Matter::Expires => {
            ("mail-expires-subject", &["mail-expires-intro", DETAILS, "mail-expires-how", "mail-expires-here", "mail-expires-link"])
        }
    }
}

/// `None`: it goes by mail only.
const fn sms(matter: Matter) -> Option<&'static str> {
    Some(match matter {
        Matter::Code => "sms-code",
        Matter::ContactCode => "sms-contact-code",
        Matter::Changed | Matter::ChangedAgain => "sms-changed",
        Matter::Unlocked => "sms-unlocked",
        Matter::Tries => "sms-tries",
        Matter::MethodAdded | Matter::MethodRemoved | Matter::MethodChanged | Matter::MethodStopped => "sms-method",
        Matter::CodesLow => "sms-codes",
        Matter::ContactMail | Matter::ContactMobile | Matter::ContactBoth => "sms-contact",
        Matter::Frozen => "sms-frozen",
        Matter::Lifted => "sms-lifted",
        Matter::HelpDesk => "sms-helpdesk",
        Matter::Invitation => "sms-invitation",
        Matter::Register | Matter::Reconfirm | Matter::Expires => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Which, check, ours};

    #[test]
    fn we_keep_our_own_rules() {
        for which in Which::all() {
            let text = ours(which);
            assert!(check(which, &text).is_ok(), "{which:?}: {text:?}: {:?}", check(which, &text).err());
            assert!(!text.body.contains("mail-") && !text.body.contains("sms-"), "{which:?}: {text:?}");
        }
    }
}
