//! The template: text, and placeholders in double braces. There is no logic in it, nothing is read twice, and what is filled in is text.

use super::{LONGEST_BODY, LONGEST_SUBJECT, Matter, Slot, Text, Which, links};
use crate::domain::notifications::Channel;

/// What is filled in.
pub type Value = (Slot, String);

/// Where something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Subject,
    /// The line, from 1; 0: the text as a whole.
    Body(usize),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    Empty,
    /// More than so many characters.
    Long(usize),
    /// Two braces that no two others follow.
    Open,
    /// It is no placeholder, or none of this message.
    Unknown(String),
    Missing(Slot),
    /// Something stands right beside it, as if it were part of it.
    Glued(Slot),
    /// It wants a paragraph of its own.
    Beside(Slot),
    Link(String),
    /// A character that nobody sees, or that turns others round.
    Unseen,
    /// As a text message it costs as much as so many.
    Messages(usize),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub field: Field,
    pub wrong: Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Said(String),
    Slot(Slot),
}

/// A text that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    subject: Vec<Part>,
    paragraphs: Vec<Vec<Part>>,
}

/// Of a message, with everything filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paragraph {
    Said(String),
    /// The code, alone.
    Code(String),
    Details,
}

/// Whether it can be sent, and as what; else all that is wrong with it.
pub fn check(which: Which, text: &Text) -> Result<Checked, Vec<Flaw>> {
    let Which { matter, channel, .. } = which;
    let mut flaws = Vec::new();
    let mut subject = Vec::new();
    if channel == Channel::Email {
        let may = |slot| matches!(slot, Slot::Organisation | Slot::Name);
        subject = line(&text.subject, Field::Subject, &may, &mut flaws);
        sized(&text.subject, (Field::Subject, LONGEST_SUBJECT), &mut flaws);
    }
    sized(&text.body, (Field::Body(0), LONGEST_BODY), &mut flaws);
    let paragraphs = paragraphs(&text.body, (matter, channel), &mut flaws);
    let has = |slot| paragraphs.iter().flatten().any(|part| *part == Part::Slot(slot));
    for slot in matter.required(channel) {
        if !has(*slot) {
            flaws.push(Flaw { field: Field::Body(0), wrong: Wrong::Missing(*slot) });
        }
    }
    if flaws.is_empty() { Ok(Checked { subject, paragraphs }) } else { Err(flaws) }
}

fn sized(text: &str, (field, most): (Field, usize), flaws: &mut Vec<Flaw>) {
    if text.trim().is_empty() {
        flaws.push(Flaw { field, wrong: Wrong::Empty });
    } else if text.chars().count() > most {
        flaws.push(Flaw { field, wrong: Wrong::Long(most) });
    }
}

fn paragraphs(body: &str, (matter, channel): (Matter, Channel), flaws: &mut Vec<Flaw>) -> Vec<Vec<Part>> {
    let may = |slot| matter.required(channel).contains(&slot) || matter.optional(channel).contains(&slot);
    let mut all: Vec<Vec<Part>> = vec![Vec::new()];
    for (number, text) in (1..).zip(body.split('\n')) {
        // A text message is one paragraph, whatever lines it has.
        if text.trim().is_empty() && channel != Channel::Sms {
            all.push(Vec::new());
            continue;
        }
        let parts = line(text, Field::Body(number), &may, flaws);
        let last = all.last_mut().expect("one is there from the beginning");
        if !last.is_empty() {
            last.push(Part::Said("\n".to_owned()));
        }
        let alone = last.is_empty() && parts == [Part::Slot(Slot::Details)];
        let follows = last.contains(&Part::Slot(Slot::Details));
        if follows || !alone && parts.contains(&Part::Slot(Slot::Details)) {
            flaws.push(Flaw { field: Field::Body(number), wrong: Wrong::Beside(Slot::Details) });
        }
        last.extend(parts);
    }
    all.retain(|parts| !parts.is_empty());
    all
}

/// One line in its parts.
fn line(text: &str, field: Field, may: &dyn Fn(Slot) -> bool, flaws: &mut Vec<Flaw>) -> Vec<Part> {
    let mut wrong = |wrong| flaws.push(Flaw { field, wrong });
    if text.chars().any(is_unseen) {
        wrong(Wrong::Unseen);
    }
    let (mut parts, mut rest, mut plain) = (Vec::new(), text, String::new());
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            wrong(Wrong::Open);
            break;
        };
        let name = name.trim();
        match Slot::parse(name).filter(|slot| may(*slot)) {
            Some(slot) => {
                if matches!(slot, Slot::Code | Slot::Page) && !(ends_apart(before, parts.is_empty()) && begins_apart(behind)) {
                    wrong(Wrong::Glued(slot));
                }
                if !before.is_empty() {
                    parts.push(Part::Said(before.to_owned()));
                }
                parts.push(Part::Slot(slot));
            }
            None => wrong(Wrong::Unknown(name.chars().take(40).collect())),
        }
        plain += before;
        plain += "xx";
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Said(rest.to_owned()));
    }
    if let Some(link) = links::first(&(plain + rest)) {
        wrong(Wrong::Link(link.chars().take(60).collect()));
    }
    parts
}

/// Nothing before a code or a link that could be taken for a part of it.
fn ends_apart(before: &str, first: bool) -> bool {
    before.chars().next_back().map_or(first, |c| c.is_whitespace() || "(\"'„“‚«»".contains(c))
}

/// And nothing behind it, but for the end of a sentence.
fn begins_apart(behind: &str) -> bool {
    let rest = behind.trim_start_matches(|c| ".,;:!?)\"'“”‘’«»".contains(c));
    rest.is_empty() || rest.starts_with(char::is_whitespace)
}

/// Control characters, and those of no width that hide, turn or tag others (UAX 9, UTS 39).
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl Checked {
    /// One line, whatever the values are.
    pub fn subject(&self, values: &[Value]) -> String {
        fill(&self.subject, values)
    }

    pub fn paragraphs(&self, values: &[Value]) -> Vec<Paragraph> {
        let paragraph = |parts: &Vec<Part>| match parts.as_slice() {
            [Part::Slot(Slot::Details)] => Paragraph::Details,
            [Part::Slot(Slot::Code)] => Paragraph::Code(fill(parts, values)),
            parts => Paragraph::Said(fill(parts, values)),
        };
        self.paragraphs.iter().map(paragraph).collect()
    }

    /// As a text message says it.
    pub fn words(&self, values: &[Value]) -> String {
        self.paragraphs.iter().map(|parts| fill(parts, values)).collect::<Vec<_>>().join("\n")
    }
}

fn fill(parts: &[Part], values: &[Value]) -> String {
    let mut all = String::new();
    for part in parts {
        match part {
            Part::Said(text) => all += text,
            Part::Slot(slot) => {
                let value = values.iter().find(|(of, _)| of == slot).map_or("", |(_, value)| value.as_str());
                // A name with a line break in it would begin a paragraph of its own.
                let value: String = value.chars().filter(|c| !c.is_control()).collect();
                if value.is_empty() {
                    // "Hello ," is "Hello,".
                    all.truncate(all.trim_end_matches(' ').len());
                }
                all += &value;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::language::Language;

    fn which(matter: Matter, channel: Channel) -> Which {
        Which { matter, channel, language: Language::English }
    }

    fn wrongs(matter: Matter, channel: Channel, subject: &str, body: &str) -> Vec<(Field, Wrong)> {
        let text = Text { subject: subject.into(), body: body.into() };
        check(which(matter, channel), &text).err().unwrap_or_default().into_iter().map(|flaw| (flaw.field, flaw.wrong)).collect()
    }

    fn mail(body: &str) -> Vec<(Field, Wrong)> {
        wrongs(Matter::Code, Channel::Email, "Your code", body)
    }

    #[test]
    fn what_is_wrong_is_said_with_where() {
        assert_eq!(mail("Hello {{ name }},\n\n{{code}}\n\nfor {{organisation}} {{minutes}}"), []);
        assert_eq!(mail("Hello\n\nnothing"), [(Field::Body(0), Wrong::Missing(Slot::Code))]);
        assert_eq!(mail("{{code}}\nand {{cod}}"), [(Field::Body(2), Wrong::Unknown("cod".into()))]);
        assert_eq!(mail("{{code}}\n\n{{when}}"), [(Field::Body(3), Wrong::Unknown("when".into()))], "of another message");
        assert_eq!(mail("{{code}} {{name"), [(Field::Body(1), Wrong::Open)]);
        assert_eq!(mail("{{code}}1"), [(Field::Body(1), Wrong::Glued(Slot::Code))]);
        assert_eq!(mail("0{{code}}"), [(Field::Body(1), Wrong::Glued(Slot::Code))]);
        assert_eq!(mail("{{code}}{{code}}"), [(Field::Body(1), Wrong::Glued(Slot::Code)), (Field::Body(1), Wrong::Glued(Slot::Code))]);
        assert_eq!(mail("It is \"{{code}}\", (yes {{code}})."), []);
        assert_eq!(mail("{{code}} evil.example"), [(Field::Body(1), Wrong::Link("evil.example".into()))]);
        assert_eq!(mail("{{code}} {{name}}.evil"), [(Field::Body(1), Wrong::Link("xx.evil".into()))]);
        for unseen in ['\u{202e}', '\u{34f}', '\u{200d}', '\u{fe00}', '\u{fe0f}', '\u{e0001}', '\u{e007f}', '\u{e0100}'] {
            assert_eq!(mail(&format!("{{{{code}}}} a{unseen}b")), [(Field::Body(1), Wrong::Unseen)], "{unseen:?}");
        }
        assert_eq!(mail(&format!("{{{{code}}}}{}", " a".repeat(LONGEST_BODY))), [(Field::Body(0), Wrong::Long(LONGEST_BODY))]);
        assert_eq!(mail(" "), [(Field::Body(0), Wrong::Empty), (Field::Body(0), Wrong::Missing(Slot::Code))]);
    }

    #[test]
    fn a_subject_is_one_line_without_code_or_link() {
        let subject = |subject: &str| wrongs(Matter::Code, Channel::Email, subject, "{{code}}");
        assert_eq!(subject("{{name}}, your code for {{organisation}}"), []);
        assert_eq!(subject("{{code}}"), [(Field::Subject, Wrong::Unknown("code".into()))]);
        assert_eq!(subject("a\r\nBcc: all"), [(Field::Subject, Wrong::Unseen)]);
        assert_eq!(subject("www.evil"), [(Field::Subject, Wrong::Link("www.evil".into()))]);
        assert_eq!(subject(""), [(Field::Subject, Wrong::Empty)]);
        assert_eq!(subject(&"x".repeat(LONGEST_SUBJECT + 1)), [(Field::Subject, Wrong::Long(LONGEST_SUBJECT))]);
        assert_eq!(wrongs(Matter::Code, Channel::Sms, "ignored http://", "{{code}}"), [], "a text message has none");
    }

    #[test]
    fn details_stand_alone_and_a_link_stands_apart() {
        let changed = |body| wrongs(Matter::Changed, Channel::Email, "x", body);
        assert_eq!(changed("a\n\n{{details}}\n\nb"), []);
        assert_eq!(changed("a {{details}}"), [(Field::Body(1), Wrong::Beside(Slot::Details))]);
        assert_eq!(changed("a\n{{details}}"), [(Field::Body(2), Wrong::Beside(Slot::Details))]);
        assert_eq!(changed("{{details}}\nb"), [(Field::Body(2), Wrong::Beside(Slot::Details))]);
        assert_eq!(changed("b"), [(Field::Body(0), Wrong::Missing(Slot::Details))]);
        let page = |body| wrongs(Matter::Invitation, Channel::Email, "x", body);
        assert_eq!(page("Open {{page}}."), []);
        assert_eq!(page("Open {{page}}/x"), [(Field::Body(1), Wrong::Glued(Slot::Page))]);
        assert_eq!(page("a:{{page}}"), [(Field::Body(1), Wrong::Glued(Slot::Page))]);
    }

    #[test]
    fn what_is_filled_in_is_text() {
        let text = Text { subject: "{{name}} {{organisation}}".into(), body: "Hello {{name}},\n\n{{code}}\n\nAt\n{{organisation}}".into() };
        let checked = check(which(Matter::Code, Channel::Email), &text).unwrap();
        let values = [(Slot::Name, "{{code}}\r\nBcc: x".into()), (Slot::Organisation, "Corp".into()), (Slot::Code, "012345".into())];
        assert_eq!(checked.subject(&values), "{{code}}Bcc: x Corp");
        let said = |text: &str| Paragraph::Said(text.into());
        let all = [said("Hello {{code}}Bcc: x,"), Paragraph::Code("012345".into()), said("At\nCorp")];
        assert_eq!(checked.paragraphs(&values), all);
        assert_eq!(checked.paragraphs(&[])[0], said("Hello,"));
    }

    proptest! {
        /// Nobody's words bring a code message about that has no code, or one with a second line in its subject.
        #[test]
        fn whatever_is_typed(subject in "[ -~\n\r]{0,40}", body in "([a-z .@:/\n]|\\{\\{|\\}\\}|code|name|\\{\\{code\\}\\}){0,30}", name in "\\PC{0,20}") {
            let text = Text { subject, body };
            if let Ok(checked) = check(which(Matter::Code, Channel::Email), &text) {
                let values = [(Slot::Name, name), (Slot::Code, "918273".to_owned())];
                prop_assert!(!checked.subject(&values).contains(['\n', '\r']));
                let has = |paragraph: &Paragraph| matches!(paragraph, Paragraph::Code(text) | Paragraph::Said(text) if text.contains("918273"));
                prop_assert!(checked.paragraphs(&values).iter().any(has));
                prop_assert!(!text.body.contains("//") && !text.body.contains('@'));
            }
        }
    }
}
