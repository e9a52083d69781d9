//! `/console/texts` — what the messages to people say, each for its way and language: ours, or the organisation's own words. They are looked
//! at as they would arrive before anybody gets them, and once they hold; the way back to ours is one press.

mod preview;
pub mod words;

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    approvals::ask_first,
    guard::{Desk, Fresh, Govern, May},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::language::Language,
    domain::{
        approvals::{self, Act, Wish},
        history::{Entry as Change, What},
        limits::{self, Limit, Verdict},
        notifications::Channel,
        texts::{self, Changed, Entry, Kept, LONGEST_BODY, LONGEST_SUBJECT, MOST_MESSAGES, Matter, Text, Which},
    },
    web::{
        Error, Page, Result, form, letter,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(which): Path<Named>| async move { Redirect::to(&which.path()) });
    Router::new()
        .route("/console/texts", get(index))
        .route("/console/texts/{matter}/{channel}/{language}", get(show).post(submit))
        .route("/console/texts/{matter}/{channel}/{language}/ours", post(ours).merge(back()))
        .route("/console/texts/{matter}/{channel}/{language}/preview", get(preview::now).post(preview::typed))
        .route("/console/texts/{matter}/{channel}/{language}/sample", post(sample).merge(back()))
}

fn path(which: Which) -> String {
    format!("/console/texts/{}/{}/{}", which.matter.as_str(), which.channel.as_str(), which.language.tag())
}

/// As it stands in the address.
#[derive(Deserialize)]
struct Named {
    matter: String,
    channel: String,
    language: String,
}

impl Named {
    fn which(&self) -> Result<Which> {
        Which::parse(&self.matter, &self.channel, &self.language).ok_or(Error::NotFound)
    }

    fn path(&self) -> String {
        Which::parse(&self.matter, &self.channel, &self.language).map_or_else(|| "/console/texts".to_owned(), path)
    }
}

/// One text in the list.
struct Cell {
    href: String,
    language: String,
    /// Of the words of whose it is, and its dot.
    state: (&'static str, &'static str),
}

struct Row {
    matter: String,
    channel: String,
    cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "console/texts.html")]
struct TextsPage {
    page: Page,
    rail: Rail,
    /// A heading's key and what stands under it.
    parts: Vec<(&'static str, Vec<Row>)>,
    languages: Vec<String>,
}

async fn index(desk: May<Govern>) -> Result<Response> {
    let (visitor, page) = (&desk.visitor, desk.visitor.page());
    let mut conn = visitor.acquire().await?;
    let kept = texts::all(&mut conn, &visitor.tenant.scope).await?;
    drop(conn);
    let mut parts: Vec<(&'static str, Vec<Row>)> = Vec::new();
    for matter in Matter::ALL {
        let heading = words::part_key(matter);
        if parts.last().is_none_or(|(last, _)| *last != heading) {
            parts.push((heading, Vec::new()));
        }
        for channel in matter.channels() {
            let row = row(&desk, &page, &kept, (matter, *channel))?;
            parts.last_mut().map(|(_, list)| list.push(row)).unwrap_or_default();
        }
    }
    let languages = Language::ALL.iter().map(|language| words::language(&page, *language)).collect();
    Ok(page::html(&TextsPage { rail: desk.rail(Here::Texts), parts, languages, page }))
}

fn row(desk: &Desk, page: &Page, kept: &HashMap<Which, Kept>, (matter, channel): (Matter, Channel)) -> Result<Row> {
    let (url, tenant) = (&desk.visitor.app.public_url, &desk.visitor.tenant);
    let cell = |language: Language| -> Result<Cell> {
        let which = Which { matter, channel, language };
        let state = match kept.get(&which) {
            Some(kept) if letter::check(url, tenant, which, &kept.text)?.is_err() => ("texts-state-unusable", "is-bad"),
            Some(kept) if kept.behind => ("texts-state-behind", "is-busy"),
            Some(_) => ("texts-state-own", "is-good"),
            None => ("texts-state-ours", "is-off"),
        };
        Ok(Cell { href: path(which), language: words::language(page, language), state })
    };
    Ok(Row {
        matter: page.t(words::matter_key(matter)).into_owned(),
        channel: page.t(words::channel_key(channel)).into_owned(),
        cells: Language::ALL.into_iter().map(cell).collect::<Result<_>>()?,
    })
}

/// As it was typed.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    subject: String,
    body: String,
    /// Of what it was filled in for.
    seen: String,
}

impl Form {
    fn of(which: Which, kept: Option<&Kept>) -> Self {
        let Text { subject, body } = kept.map_or_else(|| texts::ours(which), |kept| kept.text.clone());
        Self { subject, body, seen: texts::mark(kept) }
    }

    fn text(&self, which: Which) -> Text {
        Text::tidied(if which.channel == Channel::Email { &self.subject } else { "" }, &self.body)
    }
}

/// A placeholder of this message.
struct Placeholder {
    typed: String,
    /// Of its words.
    key: &'static str,
    required: bool,
}

/// What the length of a text message is counted by while it is typed.
struct Counting {
    words: String,
    /// JSON: what goes into the words, and behind them.
    around: String,
}

struct Tab {
    href: String,
    label: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "console/text.html")]
struct TextPage {
    page: Page,
    rail: Rail,
    path: String,
    matter: &'static str,
    channel: &'static str,
    /// BCP 47.
    language: &'static str,
    mail: bool,
    tabs: Vec<Tab>,
    form: Form,
    placeholders: Vec<Placeholder>,
    longest: (usize, usize),
    /// Of a text message: what it costs, and what it may; and what static/js/text.js counts by.
    cost: String,
    most: usize,
    counting: Counting,
    errors: Vec<String>,
    /// Something was done.
    told: Option<String>,
    /// It is not ours, since then.
    own: Option<When>,
    behind: bool,
    ours: Text,
    mail_to: String,
}

/// What became of a form.
#[derive(Default)]
struct Said {
    errors: Vec<String>,
    told: Option<String>,
}

async fn show(desk: Fresh<Govern>, Path(named): Path<Named>, uri: Uri) -> Result<Response> {
    let which = named.which()?;
    let mut conn = desk.visitor.acquire().await?;
    let kept = texts::one(&mut conn, &desk.visitor.tenant.scope, which).await?;
    drop(conn);
    let told = (uri.query() == Some("saved")).then(|| desk.visitor.page().t("texts-saved").into_owned());
    answer(&desk, (which, kept), None, StatusCode::OK, Said { told, ..Said::default() })
}

/// `form`: as it was typed; else what holds.
fn answer(desk: &Desk, (which, kept): (Which, Option<Kept>), form: Option<Form>, status: StatusCode, said: Said) -> Result<Response> {
    let (page, app, tenant) = (desk.visitor.page(), &desk.visitor.app, &desk.visitor.tenant);
    let (Which { matter, channel, language }, form) = (which, form.unwrap_or_else(|| Form::of(which, kept.as_ref())));
    let required = matter.required(channel).iter().map(|slot| (slot, true));
    let optional = matter.optional(channel).iter().map(|slot| (slot, false));
    let placeholder = |(slot, required): (&texts::Slot, bool)| Placeholder { typed: slot.typed(), key: words::slot_key(*slot), required };
    let tab =
        |one: Language| Tab { href: path(Which { language: one, ..which }), label: words::language(&page, one), here: one == language };
    let shown = TextPage {
        rail: desk.rail(Here::Texts),
        path: path(which),
        matter: words::matter_key(matter),
        channel: words::channel_key(channel),
        language: language.tag(),
        mail: channel == Channel::Email,
        tabs: Language::ALL.into_iter().map(tab).collect(),
        placeholders: required.chain(optional).map(placeholder).collect(),
        longest: (LONGEST_SUBJECT, LONGEST_BODY),
        cost: words::cost(&page, letter::size(&app.public_url, tenant, which, &form.text(which))?),
        most: MOST_MESSAGES,
        counting: counting(&page, letter::around(&app.public_url, tenant, which)?)?,
        errors: said.errors,
        told: said.told,
        own: kept.as_ref().map(|kept| when(page.language(), kept.changed_at)),
        behind: kept.is_some_and(|kept| kept.behind),
        ours: texts::ours(which),
        mail_to: desk.operator.mail.as_str().to_owned(),
        form,
        page,
    };
    Ok(page::html_as(status, &shown))
}

fn counting(page: &Page, (values, ending): (Vec<texts::Value>, String)) -> Result<Counting> {
    let values: HashMap<_, _> = values.into_iter().map(|(slot, value)| (slot.as_str(), value)).collect();
    let (characters, messages) = ("%characters%", "%messages%");
    Ok(Counting {
        words: page.t2("texts-cost", "characters", characters, "messages", messages),
        around: serde_json::to_string(&(values, ending))?,
    })
}

/// What is typed, if it may be said so; else the form again, with all that is wrong.
fn read(desk: &Desk, which: Which, form: &Form) -> Result<Result<Text, Vec<String>>> {
    let (page, text) = (desk.visitor.page(), form.text(which));
    let checked = letter::check(&desk.visitor.app.public_url, &desk.visitor.tenant, which, &text)?;
    Ok(checked.map(|()| text).map_err(|flaws| flaws.iter().map(|flaw| words::flaw(&page, which, flaw)).collect()))
}

async fn submit(desk: Fresh<Govern>, Path(named): Path<Named>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let which = named.which()?;
    let text = match read(&desk, which, &form)? {
        Ok(text) => text,
        Err(errors) => {
            return typed_again(&desk, which, form, (StatusCode::UNPROCESSABLE_ENTITY, Said { errors, ..Said::default() })).await;
        }
    };
    // Our own words, saved as they stand, stay ours, and follow us.
    let wish = Some(text).filter(|text| *text != texts::ours(which));
    save(&desk, which, wish, form).await
}

async fn save(desk: &Desk, which: Which, wish: Option<Text>, form: Form) -> Result<Response> {
    let (app, source, scope) = (&desk.visitor.app, &desk.visitor.source, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let before = texts::one(&mut tx, scope, which).await?.map(|kept| kept.text);
    let asked = Wish::change(What::Texts, &Entry::of(which, before.clone()), &Entry::of(which, wish.clone()))?;
    let differs = before != wish;
    match texts::change(&mut tx, scope, &app.clock, source, (which, wish), Some(&form.seen)).await? {
        // These words come from the right sender: they can send somebody to the wrong place.
        Changed::Yes if differs && approvals::wants(&mut tx, scope, Act::Policy).await? => {
            tx.rollback().await?;
            ask_first(desk.visitor.begin().await?, desk, &asked).await
        }
        Changed::Yes => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{}?saved", path(which))).into_response())
        }
        Changed::Stale(now) => {
            let errors =
                vec![desk.visitor.page().t("console-error-stale").into_owned(), words::now(&desk.visitor.page(), which, now.as_ref())];
            let form = Form { seen: texts::mark(now.as_ref()), ..form };
            answer(desk, (which, now), Some(form), StatusCode::CONFLICT, Said { errors, ..Said::default() })
        }
    }
}

async fn typed_again(desk: &Desk, which: Which, form: Form, (status, said): (StatusCode, Said)) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let kept = texts::one(&mut conn, &desk.visitor.tenant.scope, which).await?;
    drop(conn);
    answer(desk, (which, kept), Some(form), status, said)
}

async fn ours(desk: Fresh<Govern>, Path(named): Path<Named>, form::Form(form): form::Form<Form>) -> Result<Response> {
    save(&desk, named.which()?, None, form).await
}

/// Send what is typed to whoever typed it. Nothing is saved by it, so the form comes back as it is.
async fn sample(desk: May<Govern>, Path(named): Path<Named>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let which = named.which()?;
    if which.channel != Channel::Email {
        return Err(Error::NotFound);
    }
    let text = match read(&desk, which, &form)? {
        Ok(text) => text,
        Err(errors) => {
            return typed_again(&desk, which, form, (StatusCode::UNPROCESSABLE_ENTITY, Said { errors, ..Said::default() })).await;
        }
    };
    let (app, source, scope, operator) = (&desk.visitor.app, &desk.visitor.source, &desk.visitor.tenant.scope, &desk.operator);
    let mut tx = desk.visitor.begin().await?;
    let subject = operator.operator_id.as_bytes().to_vec();
    let verdict = limits::take(&mut tx, scope, &app.clock, source, &[subject], Limit::TextSample).await?;
    tx.commit().await?;
    if verdict != Verdict::Allowed {
        let errors = vec![desk.visitor.page().t("texts-sample-limit").into_owned()];
        return typed_again(&desk, which, form, (StatusCode::TOO_MANY_REQUESTS, Said { errors, ..Said::default() })).await;
    }
    let mut tx = desk.visitor.begin().await?;
    texts::sample(&mut tx, scope, &app.clock, source, (which, &text), (operator.mail.as_str(), &operator.name)).await?;
    tx.commit().await?;
    app.wake_outbox();
    let told = Some(desk.visitor.page().t1("texts-sample-sent", "mail", operator.mail.as_str()));
    typed_again(&desk, which, form, (StatusCode::OK, Said { told, ..Said::default() })).await
}

/// What a change of the history would come to if it were taken back: which text, what holds now, and what would hold.
pub async fn undone(desk: &Desk, change: &Change) -> Result<(Which, Option<Kept>, Option<Text>)> {
    let entry: Entry = serde_json::from_value(change.before.clone())?;
    let which = entry.which().ok_or(Error::NotFound)?;
    let mut conn = desk.visitor.acquire().await?;
    let kept = texts::one(&mut conn, &desk.visitor.tenant.scope, which).await?;
    Ok((which, kept, entry.text))
}

/// Take it back. What could not be saved today is shown as if it had just been typed.
pub async fn undo(desk: &Desk, which: Which, then: Option<Text>, seen: String) -> Result<Response> {
    let Text { subject, body } = then.clone().unwrap_or_else(|| texts::ours(which));
    let form = Form { subject, body, seen };
    if then.is_some()
        && let Err(errors) = read(desk, which, &form)?
    {
        return typed_again(desk, which, form, (StatusCode::UNPROCESSABLE_ENTITY, Said { errors, ..Said::default() })).await;
    }
    save(desk, which, then, form).await
}
