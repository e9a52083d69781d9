//! What is told to whoever runs the service: the help desk, operators, whoever watches. In our words only.

use anyhow::Result;

use super::{Block, Words, portal, when};
use crate::{
    app::PublicUrl,
    domain::{
        notifications::{Content, Message, Week},
        tenants::Tenant,
    },
    web::Page,
};

pub fn words(t: &Page, url: &PublicUrl, tenant: &Tenant, message: &Message) -> Result<Words> {
    let name = tenant.name.as_str();
    let own = |text: std::borrow::Cow<'static, str>| text.into_owned();
    let happened = message.content.happened().cloned().unwrap_or_default();
    let at = (own(t.t("mail-changed-when")), when(t, happened.at)?);
    // What an operator or the house does comes from nowhere.
    let from = (!happened.from.is_empty()).then(|| (own(t.t("mail-changed-where")), happened.from));
    let portal = portal(url, tenant);
    let (subject, intro, facts, then) = match &message.content {
        Content::Alert { who, about, of, command, .. } => (
            t.t1("mail-alert-subject", "tenant", name),
            t.t1("mail-alert-intro", "tenant", name),
            [
                (own(t.t("mail-alert-who")), who.clone()),
                (own(t.t("mail-alert-about")), about_name(t, about)),
                (own(t.t("mail-alert-of")), when(t, *of)?),
                (own(t.t("mail-alert-when")), at.1),
            ]
            .into_iter()
            .chain(from)
            .collect(),
            vec![own(t.t("mail-alert-then")), t.t1("mail-alert-command", "command", command)],
        ),
        Content::Untold { place, people, .. } => (
            t.t1("mail-untold-subject", "tenant", name),
            t.t1("mail-untold-intro", "people", people),
            vec![(own(t.t("mail-changed-place")), place.clone())],
            vec![own(t.t("mail-untold-then"))],
        ),
        Content::Many { who, acts, .. } => (
            t.t1("mail-many-subject", "tenant", name),
            t.t1("mail-many-intro", "acts", acts),
            vec![(own(t.t("mail-many-who")), who.clone()), at],
            vec![own(t.t("mail-many-then"))],
        ),
        Content::Week { week, .. } => (
            t.t1("mail-week-subject", "tenant", name),
            own(t.t("mail-week-intro")),
            figures(t, week),
            portal.map(|portal| t.t1("mail-week-page", "url", format!("{portal}/console?days=7"))).into_iter().collect(),
        ),
        Content::Decision { who, .. } => {
            let page = portal.map(|portal| t.t1("mail-decision-page", "url", format!("{portal}/console/approvals")));
            (
                t.t1("mail-decision-subject", "tenant", name),
                own(t.t("mail-decision-intro")),
                vec![(own(t.t("mail-decision-who")), who.clone()), at],
                page.into_iter().chain([own(t.t("mail-decision-then"))]).collect(),
            )
        }
        _ => anyhow::bail!("this is told to people"),
    };
    let greeting = (!message.name.is_empty()).then(|| Block::Said(t.t1("mail-greeting", "name", &message.name)));
    let blocks = greeting.into_iter().chain([Block::Strong(intro), Block::Details]).chain(then.into_iter().map(Block::Said));
    Ok(Words { subject, blocks: blocks.collect(), facts })
}

fn figures(t: &Page, week: &Week) -> Vec<(String, String)> {
    let Week { applied, refused, failed, mails, texts, able } = week;
    let mut facts: Vec<(String, String)> = [
        ("mail-week-applied", applied),
        ("mail-week-refused", refused),
        ("mail-week-failed", failed),
        ("figures-mails", mails),
        ("figures-texts", texts),
    ]
    .map(|(key, count)| (t.t(key).into_owned(), count.to_string()))
    .into();
    facts.extend(able.map(|(able, served)| (t.t("figures-able").into_owned(), t.t2("mail-week-of", "able", able, "served", served))));
    facts
}

fn about_name(t: &Page, about: &str) -> String {
    match about {
        "changed" => t.t("mail-about-changed"),
        "unlocked" => t.t("mail-about-unlocked"),
        "tries" => t.t("mail-about-tries"),
        "method" => t.t("mail-about-method"),
        "contact" => t.t("mail-about-contact"),
        _ => t.t("mail-about-operator"),
    }
    .into_owned()
}
