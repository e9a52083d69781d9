//! Whom people are told to ask, as an administrator types it. What is not plainly a number, a mail address or a web address is refused:
//! it becomes a link on pages where somebody is about to prove who they are.

use super::super::{
    tenants::Contact,
    users::{self, EmailAddress},
};

/// What cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    Text,
    Phone,
    Mail,
    Link,
}

/// What each of the four fields comes to; empty ones to nothing.
pub fn parse([text, phone, mail, link]: [&str; 4]) -> Result<Contact, Vec<Unfit>> {
    let mut wrong = Vec::new();
    let mut read = |field: &str, fits: fn(&str) -> bool, unfit| {
        let field = field.trim();
        if !field.is_empty() && !fits(field) {
            wrong.push(unfit);
        }
        (!field.is_empty()).then(|| field.to_owned())
    };
    let contact = Contact {
        text: read(text, is_text, Unfit::Text),
        phone: read(phone, is_phone, Unfit::Phone),
        mail: read(mail, |mail| EmailAddress::parse(mail).is_some(), Unfit::Mail),
        link: read(link, is_link, Unfit::Link),
    };
    if wrong.is_empty() { Ok(contact) } else { Err(wrong) }
}

/// One line that reads as it is written: nothing in it turns the direction of what follows.
fn is_text(text: &str) -> bool {
    text.chars().count() <= 200 && !text.chars().any(|c| c.is_control() || users::turns_text(c))
}

/// Digits and what people put between them; an extension behind a comma.
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    text.len() <= 40 && digits >= 2 && text.chars().all(|c| c.is_ascii_digit() || "+-/(). ,*#".contains(c))
}

/// `https`, a host by name, and nothing that only looks like it: nobody's name before the host, nothing that ends an attribute.
fn is_link(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
    let named = host.split('.').all(label) && host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`{}|^".contains(&b));
    text.len() <= 300 && named && plain && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_taken() {
        let contact =
            parse([" Room 101 ", "+49 (30) 1234-5, 67", "help@corp.example", "https://help.corp.example:8443/it?x=1#now"]).unwrap();
        assert_eq!(contact.text.as_deref(), Some("Room 101"));
        assert_eq!(contact.tel(), "tel:+493012345,67");
        assert!(parse(["", " ", "", ""]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_such_thing_is_refused() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "http://help.example",
            "HTTPS//help.example",
            "https:help.example",
            "https://",
            "https://help",
            "https://user@help.example",
            "https://help.example@evil.example",
            "https://help.example:0",
            "https://help.example:x",
            "https://-help.example",
            "https://help..example",
            "https://help.example/\"onmouseover=alert(1)",
            "https://help.example/<script>",
            "https://help.example/ x",
            "https://h\u{e4}lp.example",
            "data:text/html,<script>alert(1)</script>",
            "//help.example",
            "mailto:help@corp.example",
            "\u{1}https://help.example",
        ] {
            assert_eq!(parse(["", "", "", bad]), Err(vec![Unfit::Link]), "{bad}");
        }
        for bad in ["1", "call me", "+49 30 <b>", "tel:112233", "javascript:1234", "\u{661}\u{662}\u{663}"] {
            assert_eq!(parse(["", bad, "", ""]), Err(vec![Unfit::Phone]), "{bad}");
        }
        for bad in ["a\nb", "a\u{202e}b", &"x".repeat(201)] {
            assert_eq!(parse([bad, "", "", ""]), Err(vec![Unfit::Text]), "{bad}");
        }
        assert_eq!(parse(["", "", "nobody", "x"]), Err(vec![Unfit::Mail, Unfit::Link]));
    }
}
