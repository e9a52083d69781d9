//! What messages are about, and what of each may stand in its text.

use super::super::notifications::{Act, Change, Channel, Content, Happened};

/// What a message to people is about. What is told to whoever runs the service has no words but ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matter {
    Code,
    ContactCode,
    Changed,
    ChangedAgain,
    Unlocked,
    Tries,
    MethodAdded,
    MethodRemoved,
    MethodChanged,
    MethodStopped,
    CodesLow,
    ContactMail,
    ContactMobile,
    ContactBoth,
    Frozen,
    Lifted,
    HelpDesk,
    Invitation,
    Register,
    Reconfirm,
    Expires,
}

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    Organisation,
    /// Of whom it is written to.
    Name,
    Code,
    /// The code works for so many.
    Minutes,
    Method,
    When,
    /// When, from where and so on: a paragraph of its own.
    Details,
    /// Where to go.
    Page,
}

impl Slot {
    pub const ALL: [Self; 8] =
        [Self::Organisation, Self::Name, Self::Code, Self::Minutes, Self::Method, Self::When, Self::Details, Self::Page];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Name => "name",
            Self::Code => "code",
            Self::Minutes => "minutes",
            Self::Method => "method",
            Self::When => "when",
            Self::Details => "details",
            Self::Page => "page",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.as_str() == text)
    }

    /// As it is typed.
    pub fn typed(self) -> String {
        format!("{{{{{}}}}}", self.as_str())
    }
}

const BOTH: &[Channel] = &[Channel::Email, Channel::Sms];
const MAIL: &[Channel] = &[Channel::Email];

impl Matter {
    pub const ALL: [Self; 21] = [
        Self::Code,
        Self::ContactCode,
        Self::Changed,
        Self::ChangedAgain,
        Self::Unlocked,
        Self::Tries,
        Self::MethodAdded,
        Self::MethodRemoved,
        Self::MethodChanged,
        Self::MethodStopped,
        Self::CodesLow,
        Self::ContactMail,
        Self::ContactMobile,
        Self::ContactBoth,
        Self::Frozen,
        Self::Lifted,
        Self::HelpDesk,
        Self::Invitation,
        Self::Register,
        Self::Reconfirm,
        Self::Expires,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::ContactCode => "contact_code",
            Self::Changed => "changed",
            Self::ChangedAgain => "changed_again",
            Self::Unlocked => "unlocked",
            Self::Tries => "tries",
            Self::MethodAdded => "method_added",
            Self::MethodRemoved => "method_removed",
            Self::MethodChanged => "method_changed",
            Self::MethodStopped => "method_stopped",
            Self::CodesLow => "codes_low",
            Self::ContactMail => "contact_mail",
            Self::ContactMobile => "contact_mobile",
            Self::ContactBoth => "contact_both",
            Self::Frozen => "frozen",
            Self::Lifted => "lifted",
            Self::HelpDesk => "help_desk",
            Self::Invitation => "invitation",
            Self::Register => "register",
            Self::Reconfirm => "reconfirm",
            Self::Expires => "expires",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|matter| matter.as_str() == text)
    }

    /// `None`: told to whoever runs the service.
    pub const fn of(content: &Content) -> Option<Self> {
        Some(match content {
            Content::Code { .. } => Self::Code,
            Content::ContactCode { .. } => Self::ContactCode,
            Content::Register => Self::Register,
            Content::Reconfirm => Self::Reconfirm,
            Content::Invitation => Self::Invitation,
            Content::Changed { again: false, .. } => Self::Changed,
            Content::Changed { again: true, .. } => Self::ChangedAgain,
            Content::Unlocked { .. } => Self::Unlocked,
            Content::Tries { .. } => Self::Tries,
            Content::Method { change, .. } => match change {
                Change::Added => Self::MethodAdded,
                Change::Removed => Self::MethodRemoved,
                Change::Changed => Self::MethodChanged,
                Change::Stopped => Self::MethodStopped,
            },
            Content::CodesLow { .. } => Self::CodesLow,
            Content::Contact { mail: true, mobile: true, .. } => Self::ContactBoth,
            Content::Contact { mail: true, mobile: false, .. } => Self::ContactMail,
            Content::Contact { .. } => Self::ContactMobile,
            Content::Operator { act, .. } => match act {
                Act::Frozen => Self::Frozen,
                Act::Lifted => Self::Lifted,
                Act::Code => Self::HelpDesk,
            },
            Content::Expires { .. } => Self::Expires,
            Content::Untold { .. }
            | Content::Many { .. }
            | Content::Decision { .. }
            | Content::Week { .. }
            | Content::Alert { .. }
            | Content::Sample { .. } => return None,
        })
    }

    /// How it goes: requests and reminders go by mail only.
    pub const fn channels(self) -> &'static [Channel] {
        match self {
            Self::Register | Self::Reconfirm | Self::Expires => MAIL,
            _ => BOTH,
        }
    }

    /// What its text must have.
    pub const fn required(self, channel: Channel) -> &'static [Slot] {
        match (self, channel) {
            (Self::Code | Self::ContactCode, _) => &[Slot::Code],
            (Self::Register | Self::Reconfirm | Self::Invitation, _) => &[Slot::Page],
            (_, Channel::Sms) => &[],
            _ => &[Slot::Details],
        }
    }

    /// What it may have besides. Whoever pays for text messages knows beforehand how long they are: nobody's name is in them.
    pub const fn optional(self, channel: Channel) -> &'static [Slot] {
        match (self, channel) {
            (Self::Code | Self::ContactCode, Channel::Sms) => &[Slot::Organisation, Slot::Minutes],
            (Self::Invitation, Channel::Sms) => &[Slot::Organisation],
            // One that was long on its way tells of now otherwise.
            (_, Channel::Sms) => &[Slot::Organisation, Slot::When],
            (Self::Code | Self::ContactCode, _) => &[Slot::Organisation, Slot::Name, Slot::Minutes],
            (Self::Register | Self::Reconfirm | Self::Invitation, _) => &[Slot::Organisation, Slot::Name],
            (Self::MethodAdded | Self::MethodRemoved | Self::MethodChanged | Self::MethodStopped, _) => {
                &[Slot::Organisation, Slot::Name, Slot::When, Slot::Method]
            }
            (Self::Expires | Self::CodesLow, _) => &[Slot::Organisation, Slot::Name, Slot::When, Slot::Page],
            _ => &[Slot::Organisation, Slot::Name, Slot::When],
        }
    }

    /// Such a message, for looking at; `at` in seconds since 1970.
    pub fn example(self, at: i64) -> Content {
        let happened =
            Happened { at, from: "203.0.113.*".to_owned(), token: Some("0123456789abcdefghjkmnpqrs".to_owned()), ..Happened::default() };
        let method = |change| Content::Method { happened: happened.clone(), change, method: "totp".to_owned() };
        let contact = |mail, mobile| {
            let changes = [(mail, "email"), (mobile, "sms")].into_iter().filter(|(is, _)| *is);
            let changes = changes.map(|(_, method)| (method.to_owned(), Change::Changed)).collect();
            Content::Contact { happened: happened.clone(), mail, mobile, changes, listed: false }
        };
        let operator = |act| Content::Operator { happened: happened.clone(), act };
        match self {
            Self::Code => Content::Code { code: "012345".to_owned(), minutes: 10 },
            Self::ContactCode => Content::ContactCode { code: "012345".to_owned(), minutes: 10 },
            Self::Changed | Self::ChangedAgain => {
                Content::Changed { again: self == Self::ChangedAgain, place: None, follow: Vec::new(), lately: Vec::new(), happened }
            }
            Self::Unlocked => Content::Unlocked { happened },
            Self::Tries => Content::Tries { happened },
            Self::MethodAdded => method(Change::Added),
            Self::MethodRemoved => method(Change::Removed),
            Self::MethodChanged => method(Change::Changed),
            Self::MethodStopped => method(Change::Stopped),
            Self::CodesLow => Content::CodesLow { happened, left: 3 },
            Self::ContactMail => contact(true, false),
            Self::ContactMobile => contact(false, true),
            Self::ContactBoth => contact(true, true),
            Self::Frozen => Content::Operator { happened: Happened { token: None, ..happened }, act: Act::Frozen },
            Self::Lifted => operator(Act::Lifted),
            Self::HelpDesk => operator(Act::Code),
            Self::Invitation => Content::Invitation,
            Self::Register => Content::Register,
            Self::Reconfirm => Content::Reconfirm,
            Self::Expires => Content::Expires { happened: Happened { token: None, ..happened }, expires_at: at + 7 * 86_400 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Matter, Slot};

    #[test]
    fn each_matter_is_known_by_its_word_and_its_example_is_of_it() {
        for matter in Matter::ALL {
            assert_eq!(Matter::parse(matter.as_str()), Some(matter));
            assert_eq!(Matter::of(&matter.example(1_800_000_000)), Some(matter));
        }
        for slot in Slot::ALL {
            assert_eq!(Slot::parse(slot.as_str()), Some(slot));
        }
    }
}
