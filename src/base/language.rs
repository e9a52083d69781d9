//! Languages: Fluent messages under `locales/`, built in. Every word that a person reads comes from here.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// A language that is complete. The first is the fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    German,
}

const SOURCES: [(Language, &[&str]); 2] = [
    (
        Language::English,
        &[
            include_str!("../../locales/en/portal.ftl"),
            include_str!("../../locales/en/account.ftl"),
            include_str!("../../locales/en/console.ftl"),
            include_str!("../../locales/en/console_fleet.ftl"),
            include_str!("../../locales/en/messages.ftl"),
            include_str!("../../locales/en/console_audit.ftl"),
            include_str!("../../locales/en/console_people.ftl"),
            include_str!("../../locales/en/console_policies.ftl"),
            include_str!("../../locales/en/console_sso.ftl"),
            include_str!("../../locales/en/console_brand.ftl"),
            include_str!("../../locales/en/console_approvals.ftl"),
            include_str!("../../locales/en/console_figures.ftl"),
            include_str!("../../locales/en/console_texts.ftl"),
        ],
    ),
    (
        Language::German,
        &[
            include_str!("../../locales/de/portal.ftl"),
            include_str!("../../locales/de/account.ftl"),
            include_str!("../../locales/de/console.ftl"),
            include_str!("../../locales/de/console_fleet.ftl"),
            include_str!("../../locales/de/messages.ftl"),
            include_str!("../../locales/de/console_audit.ftl"),
            include_str!("../../locales/de/console_people.ftl"),
            include_str!("../../locales/de/console_policies.ftl"),
            include_str!("../../locales/de/console_sso.ftl"),
            include_str!("../../locales/de/console_brand.ftl"),
            include_str!("../../locales/de/console_approvals.ftl"),
            include_str!("../../locales/de/console_figures.ftl"),
            include_str!("../../locales/de/console_texts.ftl"),
        ],
    ),
];

/// What a language says.
struct Words {
    bundle: FluentBundle<FluentResource>,
    /// Most messages take no values: they are formatted once.
    plain: HashMap<&'static str, String>,
}

/// In the order of [`Language::ALL`].
static WORDS: LazyLock<[Words; 2]> = LazyLock::new(|| SOURCES.map(|(language, sources)| words(language, sources)));

fn words(language: Language, sources: &[&'static str]) -> Words {
    let bundle = bundle(language, sources);
    let keys = sources.iter().flat_map(|source| source.lines()).filter_map(|line| Some(line.split_once(" =")?.0));
    let plain = keys.filter_map(|key| {
        let mut wants = Vec::new();
        let text = bundle.format_pattern(bundle.get_message(key)?.value()?, None, &mut wants).into_owned();
        wants.is_empty().then_some((key, text))
    });
    Words { plain: plain.collect(), bundle }
}

fn bundle(language: Language, sources: &[&str]) -> FluentBundle<FluentResource> {
    let id: LanguageIdentifier = language.tag().parse().expect("a BCP 47 tag");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Isolation marks would end up in mail subjects and in SMS.
    bundle.set_use_isolating(false);
    for source in sources {
        let resource = FluentResource::try_new((*source).to_owned()).expect("tests/it/words.rs parses every file");
        bundle.add_resource(resource).expect("tests/it/words.rs looks for doubles");
    }
    bundle
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The first of `Accept-Language` (or of a single tag) that we speak.
    pub fn negotiate(wanted: &str) -> Option<Self> {
        let ranked = wanted.split(',').filter_map(|item| {
            let mut parts = item.trim().split(';');
            let primary = parts.next()?.split('-').next()?.trim();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let language = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))?;
            (quality > 0.0).then_some((quality, language))
        });
        // Of equals the first.
        ranked.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, language)| language)
    }

    /// The message `key`. A missing one shows as its key; `tests/it/words.rs` sees to it that none is missing.
    pub fn text(self, key: &str) -> Cow<'static, str> {
        match self.words().plain.get(key) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.format(key, None)),
        }
    }

    pub fn has(self, key: &str) -> bool {
        self.words().bundle.has_message(key)
    }

    /// The message `key` with named values.
    pub fn text_with(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            // Whole numbers choose plural forms, so they go in as numbers.
            match value.parse::<i64>() {
                // A code or a year is no number: it would get separators, or lose its zeros.
                Ok(number) if value.len() <= 3 && number.to_string() == **value => args.set(*name, number),
                _ => args.set(*name, (*value).to_owned()),
            }
        }
        self.format(key, Some(&args))
    }

    fn words(self) -> &'static Words {
        &WORDS[self as usize]
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = &self.words().bundle;
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else { return key.to_owned() };
        bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }
}
