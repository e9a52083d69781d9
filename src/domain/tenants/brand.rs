//! What makes a tenant's pages its own: its colour and its logo, and whom its people are told to ask.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::base::colour::Colour;

/// Of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// As it was chosen; `None`: the product's own.
    pub accent: Option<Colour>,
    pub logo: Option<Logo>,
    /// How the help desk is reached, besides what the tenant says of it in words.
    pub desk: Contact,
    /// Some groups have a help desk of their own.
    pub by_group: bool,
}

/// A picture that is kept: what a page must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// Of the picture; 32 hexadecimal digits.
    pub hash: String,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// It is made for a dark ground.
    pub pale: bool,
}

/// Whom somebody is told to ask. Each is one line, and `None` rather than empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// In words.
    pub text: Option<String>,
    /// As people read it.
    pub phone: Option<String>,
    pub mail: Option<String>,
    /// `https://…`
    pub link: Option<String>,
}

impl Contact {
    pub fn is_empty(&self) -> bool {
        [&self.text, &self.phone, &self.mail, &self.link].iter().all(|one| one.is_none())
    }

    /// In words, or nothing.
    pub fn words(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// `tel:` and what is dialled of its number.
    pub fn tel(&self) -> String {
        let dialled = self.phone.iter().flat_map(|phone| phone.chars());
        format!("tel:{}", dialled.filter(|c| c.is_ascii_digit() || "+,".contains(*c)).collect::<String>())
    }

    /// `mailto:` and its address (RFC 6068): nothing of it can become a subject or another recipient.
    pub fn mailto(&self) -> String {
        let mut to = "mailto:".to_owned();
        for byte in self.mail.iter().flat_map(|mail| mail.bytes()) {
            if byte.is_ascii_alphanumeric() || b"-._~@+".contains(&byte) {
                to.push(char::from(byte));
            } else {
                let _ = write!(to, "%{byte:02X}");
            }
        }
        to
    }

    /// The link as people read it.
    pub fn place(&self) -> &str {
        self.link.as_deref().map_or("", |link| link.trim_start_matches("https://").trim_end_matches('/'))
    }

    /// All of it in one line, for letters.
    pub fn line(&self) -> String {
        let all = [&self.text, &self.phone, &self.mail, &self.link].into_iter().filter_map(Option::as_deref);
        all.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Contact;

    #[test]
    fn a_letter_goes_to_an_address_and_says_nothing() {
        let to = |mail: &str| Contact { mail: Some(mail.to_owned()), ..Contact::default() }.mailto();
        assert_eq!(to("help.desk+it@corp.example"), "mailto:help.desk+it@corp.example");
        assert_eq!(
            to("help?bcc=x%40evil.example&body=a#b@corp.example"),
            "mailto:help%3Fbcc%3Dx%2540evil.example%26body%3Da%23b@corp.example"
        );
    }

    #[test]
    fn a_number_is_dialled_and_a_place_is_read() {
        let contact = Contact {
            text: Some("Room 101".to_owned()),
            phone: Some("+49 (30) 12 34-5".to_owned()),
            mail: None,
            link: Some("https://help.corp.example/it/".to_owned()),
        };
        assert_eq!((&*contact.tel(), contact.place()), ("tel:+493012345", "help.corp.example/it"));
        assert_eq!(contact.line(), "Room 101, +49 (30) 12 34-5, https://help.corp.example/it/");
    }
}
