//! What the messages to people say, where an administrator says it in other words than we do: subject and text in plain text with
//! placeholders, for each matter, way and language. Where nothing is kept, or what is kept cannot be used, our own words go.
//!
//! Whoever may write these words could write a phishing mail that comes from the right sender. So what a message must bear stands in it
//! only as a placeholder (codes, links), other links and addresses are refused, and what makes it ours — the frame, the way to say "this
//! wasn't me", whom to ask, the warning to tell nobody — is put around the words by whoever sends them (`web::letter`).

mod links;
mod matter;
mod ours;
mod segments;
mod store;
mod template;

use serde::{Deserialize, Serialize};

use super::notifications::Channel;
use crate::base::language::Language;
pub use links::{beyond, first as link};
pub use matter::{Matter, Slot};
pub use ours::ours;
pub use segments::{Size, size};
pub use store::{Changed, Entry, Kept, Theirs, all, change, mark, mark_of, of_tenants, one, sample};
pub use template::{Checked, Field, Flaw, Paragraph, Value, Wrong, check};

/// A subject has at most so many characters.
pub const LONGEST_SUBJECT: usize = 120;
/// A text has at most so many.
pub const LONGEST_BODY: usize = 3000;
/// A text message in other words than ours may cost as much as so many.
pub const MOST_MESSAGES: usize = 3;

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Which {
    pub matter: Matter,
    pub channel: Channel,
    pub language: Language,
}

impl Which {
    /// All that can be said in other words, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Self> {
        let ways = Matter::ALL.into_iter().flat_map(|matter| matter.channels().iter().map(move |channel| (matter, *channel)));
        ways.flat_map(|(matter, channel)| Language::ALL.into_iter().map(move |language| Self { matter, channel, language }))
    }

    /// As an address of the console or a file says it.
    pub fn parse(matter: &str, channel: &str, language: &str) -> Option<Self> {
        Self::all().find(|which| (which.matter.as_str(), which.channel.as_str(), which.language.tag()) == (matter, channel, language))
    }
}

/// What somebody wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Of a mail; a text message has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    pub body: String,
}

impl Text {
    /// As it is kept, however a browser ends its lines.
    pub fn tidied(subject: &str, body: &str) -> Self {
        let lines = body.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = lines.trim().lines().map(str::trim_end).collect();
        Self { subject: subject.trim().to_owned(), body: lines.join("\n") }
    }
}
