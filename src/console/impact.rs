//! What a change of the policies or of the settings comes to, between the form and the saving: what is said anew, who gains self-service and
//! who loses it by it, and why.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use uuid::Uuid;

use super::{
    guard::Desk,
    policies::{Line, words},
    shell::{Here, Rail},
};
use crate::{
    domain::coverage::{Impact, Mailboxes, Turn},
    web::{Page, page},
};

/// So many people are listed on each side.
const LISTED: usize = 50;

pub struct Person {
    id: Uuid,
    name: String,
    before: String,
    after: String,
}

pub struct Side {
    count: usize,
    people: Vec<Person>,
    /// Who are not listed.
    more: usize,
}

impl Side {
    fn of(page: &Page, turns: &[Turn]) -> Self {
        let person = |turn: &Turn| Person {
            id: turn.user,
            name: turn.name.clone(),
            before: words::standing(page, turn.before),
            after: words::standing(page, turn.after),
        };
        Self { count: turns.len(), people: turns.iter().take(LISTED).map(person).collect(), more: turns.len().saturating_sub(LISTED) }
    }
}

/// A button below it: where it posts, and what.
#[derive(Default)]
pub struct Sends {
    pub to: String,
    pub fields: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/impact.html")]
pub struct ImpactPage {
    pub page: Page,
    pub rail: Rail,
    pub title: &'static str,
    /// Of the words of why it is shown once more.
    pub again: Option<&'static str>,
    pub changes: Vec<Line>,
    pub warnings: Vec<String>,
    pub gains: Side,
    pub loses: Side,
    pub same: usize,
    pub able: usize,
    /// Somebody can use it now, and nobody could: that takes a word of its own.
    pub nobody: bool,
    /// Where what it is about stands, and the key of its name.
    pub home: (&'static str, &'static str),
    pub save: Sends,
    /// There is a form to go back to.
    pub back: Option<Sends>,
    /// Where it waits for a decision: there is nothing to save.
    pub approval: Option<Uuid>,
}

impl ImpactPage {
    /// `warnings`: what should be thought of besides.
    pub fn new(desk: &Desk, here: Here, impact: &Impact, changes: Vec<Line>, mut warnings: Vec<String>) -> Self {
        let page = desk.visitor.page();
        if impact.untexted > 0 {
            warnings.push(page.t1("policies-warn-untexted", "people", impact.untexted));
        }
        warnings.extend(mailboxes(&page, impact.by_mailbox, &impact.mailboxes));
        Self {
            rail: desk.rail(here),
            title: "policies-preview-waits",
            again: None,
            changes,
            warnings,
            gains: Side::of(&page, &impact.gains),
            loses: Side::of(&page, &impact.loses),
            same: impact.same,
            able: impact.able,
            nobody: impact.leaves_nobody(),
            home: ("/console/policies", "console-nav-policies"),
            save: Sends::default(),
            back: None,
            approval: None,
            page,
        }
    }

    pub fn answer(&self) -> Response {
        page::html_as(if self.again.is_some() { StatusCode::CONFLICT } else { StatusCode::OK }, self)
    }
}

/// Of the organisation's mailboxes, what an administrator should think about.
fn mailboxes(page: &Page, by_mailbox: usize, mailboxes: &Mailboxes) -> Vec<String> {
    let mut warnings = Vec::new();
    let elsewhere = mailboxes.elsewhere();
    if elsewhere > 0 {
        warnings.push(page.t2("policies-warn-elsewhere", "people", elsewhere, "domains", mailboxes.biggest()));
    } else if by_mailbox > 0 {
        warnings.push(page.t1("policies-warn-mailbox", "people", by_mailbox));
    }
    warnings.extend(mailboxes.unused.iter().map(|domain| page.t1("policies-warn-domain", "domain", domain.clone())));
    warnings
}
