//! What messages, placeholders and mistakes are called.

use crate::{
    base::language::Language,
    console::policies::Line,
    domain::{
        notifications::Channel,
        texts::{self, Entry, Field, Flaw, Kept, Matter, Size, Slot, Text, Which, Wrong},
    },
    web::Page,
};

/// Under which heading it is listed.
pub const fn part_key(matter: Matter) -> &'static str {
    match matter {
        Matter::Code | Matter::ContactCode => "texts-part-codes",
        Matter::Invitation | Matter::Register | Matter::Reconfirm | Matter::Expires => "texts-part-requests",
        _ => "texts-part-notices",
    }
}

pub const fn matter_key(matter: Matter) -> &'static str {
    match matter {
        Matter::Code => "texts-matter-code",
        Matter::ContactCode => "texts-matter-contact-code",
        Matter::Changed => "texts-matter-changed",
        Matter::ChangedAgain => "texts-matter-changed-again",
        Matter::Unlocked => "texts-matter-unlocked",
        Matter::Tries => "texts-matter-tries",
        Matter::MethodAdded => "texts-matter-method-added",
        Matter::MethodRemoved => "texts-matter-method-removed",
        Matter::MethodChanged => "texts-matter-method-changed",
        Matter::MethodStopped => "texts-matter-method-stopped",
        Matter::CodesLow => "texts-matter-codes-low",
        Matter::ContactMail => "texts-matter-contact-mail",
        Matter::ContactMobile => "texts-matter-contact-mobile",
        Matter::ContactBoth => "texts-matter-contact-both",
        Matter::Frozen => "texts-matter-frozen",
        Matter::Lifted => "texts-matter-lifted",
        Matter::HelpDesk => "texts-matter-help-desk",
        Matter::Invitation => "texts-matter-invitation",
        Matter::Register => "texts-matter-register",
        Matter::Reconfirm => "texts-matter-reconfirm",
        Matter::Expires => "texts-matter-expires",
    }
}

pub const fn channel_key(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "texts-by-sms",
        Channel::Email | Channel::Nowhere => "texts-by-mail",
    }
}

pub fn language(page: &Page, language: Language) -> String {
    page.t(match language {
        Language::English => "language-en",
        Language::German => "language-de",
    })
    .into_owned()
}

pub const fn slot_key(slot: Slot) -> &'static str {
    match slot {
        Slot::Organisation => "texts-slot-organisation",
        Slot::Name => "texts-slot-name",
        Slot::Code => "texts-slot-code",
        Slot::Minutes => "texts-slot-minutes",
        Slot::Method => "texts-slot-method",
        Slot::When => "texts-slot-when",
        Slot::Details => "texts-slot-details",
        Slot::Page => "texts-slot-page",
    }
}

/// What is wrong, and where.
pub fn flaw(page: &Page, which: Which, flaw: &Flaw) -> String {
    let place = match flaw.field {
        Field::Subject => page.t("texts-subject").into_owned(),
        Field::Body(0) => page.t("texts-body").into_owned(),
        Field::Body(line) => page.t1("texts-line", "line", line),
    };
    let known = || {
        let slots = which.matter.required(which.channel).iter().chain(which.matter.optional(which.channel));
        slots.map(|slot| slot.typed()).collect::<Vec<_>>().join(", ")
    };
    let wrong = match &flaw.wrong {
        Wrong::Empty => page.t("texts-wrong-empty").into_owned(),
        Wrong::Long(most) => page.t1("texts-wrong-long", "most", most),
        Wrong::Open => page.t("texts-wrong-open").into_owned(),
        Wrong::Unknown(_) if flaw.field == Field::Subject => page.t("texts-wrong-subject").into_owned(),
        Wrong::Unknown(name) => {
            let typed = format!("{{{{{name}}}}}");
            page.t2("texts-wrong-unknown", "name", typed, "known", known())
        }
        Wrong::Missing(slot) => page.t1("texts-wrong-missing", "name", slot.typed()),
        Wrong::Glued(slot) => page.t1("texts-wrong-glued", "name", slot.typed()),
        Wrong::Beside(slot) => page.t1("texts-wrong-beside", "name", slot.typed()),
        Wrong::Link(link) => page.t1("texts-wrong-link", "link", link),
        Wrong::Unseen => page.t("texts-wrong-unseen").into_owned(),
        Wrong::Messages(messages) => page.t2("texts-wrong-messages", "messages", messages, "most", texts::MOST_MESSAGES),
    };
    format!("{place}: {wrong}")
}

/// What a text message costs.
pub fn cost(page: &Page, size: Size) -> String {
    let cost = page.t2("texts-cost", "characters", size.characters, "messages", size.messages);
    match size.odd {
        Some(odd) => format!("{cost} {}", page.t1("texts-odd", "character", odd)),
        None => cost,
    }
}

/// What holds now, where somebody else was faster.
pub fn now(page: &Page, which: Which, kept: Option<&Kept>) -> String {
    let text = kept.map_or_else(|| texts::ours(which), |kept| kept.text.clone());
    page.t1("texts-now", "text", whole(&text))
}

fn whole(text: &Text) -> String {
    if text.subject.is_empty() { text.body.clone() } else { format!("{}\n\n{}", text.subject, text.body) }
}

/// A change of the history in words.
pub fn change(page: &Page, before: &Entry, after: &Entry) -> Vec<Line> {
    let Some(which) = before.which() else { return Vec::new() };
    difference(page, which, before.text.as_ref(), after.text.as_ref())
}

/// `None`: ours.
pub fn difference(page: &Page, which: Which, before: Option<&Text>, after: Option<&Text>) -> Vec<Line> {
    if before == after {
        return Vec::new();
    }
    let subject = format!("{} · {}", page.t(matter_key(which.matter)), language(page, which.language));
    let said = |text: Option<&Text>| text.map_or_else(|| page.t("texts-state-ours").into_owned(), whole);
    vec![Line { subject, key: channel_key(which.channel), old: said(before), new: said(after) }]
}
