//! `/console/support` — paste the ten characters of an error page, see what happened in that request and in its journey.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    audit::told::{Item, Names},
    guard::{Any, Desk, May, Serve, Trail},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::typed,
    domain::{
        audit::search::{self, Entry},
        operators::Role,
        users,
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/support", get(show))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Form {
    code: String,
    #[serde(rename = "lang")]
    _lang: String,
}

#[derive(Template)]
#[template(path = "console/support.html")]
struct SupportPage {
    page: Page,
    rail: Rail,
    code: String,
    asked: bool,
    items: Vec<Item>,
    people: bool,
    error: Option<&'static str>,
}

/// As the pages show it: ten of Crockford's characters, however they were written down or pasted, with the words before them or without.
pub fn code(text: &str) -> Option<String> {
    let text = text.rsplit(':').next().unwrap_or_default();
    let read: String = typed::plain(text)
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    (read.len() == 10 && read.chars().all(|c| c.is_ascii_digit() || (c.is_ascii_lowercase() && c != 'u'))).then_some(read)
}

async fn show(desk: May<Any>, uri: Uri) -> Result<Response> {
    let form: Form =
        form::parse(uri.query().unwrap_or_default().as_bytes()).ok_or(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))?;
    let (visitor, scope, page) = (&desk.visitor, &desk.visitor.tenant.scope, desk.visitor.page());
    let (asked, read) = (!form.code.trim().is_empty(), code(&form.code));
    let mut items = Vec::new();
    if let Some(code) = &read {
        let mut conn = visitor.acquire().await?;
        let lines = search::journey(&mut conn, scope, code).await?;
        if may_see(&mut conn, &desk, &lines).await? {
            let names = Names::of(&mut conn, scope, &lines).await?;
            items.extend(lines.iter().map(|line| Item::of(&page, line, &names, Some(code))));
        }
        // What went on inside is for those who read the trail.
        if !desk.may::<Trail>() {
            for item in &mut items {
                item.detail.clear();
            }
        }
    }
    let error = (asked && read.is_none()).then_some("support-error");
    let shown = SupportPage { page, rail: desk.rail(Here::Support), code: form.code, asked, items, people: desk.may::<Serve>(), error };
    Ok(page::html_as(if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &shown))
}

/// The help desk sees of journeys what it sees of people. What it may not see is as if it were not there.
async fn may_see(conn: &mut PgConnection, desk: &Desk, lines: &[Entry]) -> Result<bool> {
    if desk.operator.role != Role::HelpDesk || desk.operator.groups.is_empty() {
        return Ok(true);
    }
    let mut seen = std::collections::BTreeSet::new();
    for user in lines.iter().filter_map(|line| line.user_id) {
        if seen.insert(user) && !users::is_among(&mut *conn, &desk.visitor.tenant.scope, user, &desk.operator.groups).await? {
            return Ok(false);
        }
    }
    // Where nobody is named, nobody says whom it is about.
    Ok(!seen.is_empty())
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_is_read_however_it_was_written_down() {
        for text in ["k3v9x0a1b2", " K3V9X-OAIB2 ", "k3v9 x0al b2", "Support code: k3v9x0a1b2.", "k3v9x0a1b2\u{200b}", "\u{ff4b}3v9x0a1b2"]
        {
            assert_eq!(code(text).as_deref(), Some("k3v9x0a1b2"), "{text}");
        }
        for text in ["", "k3v9x0a1b", "k3v9x0a1b2c", "k3v9x0a1bu", "k3v9x0a1b\u{e4}", "' or 1=1--"] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
