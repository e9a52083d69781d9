//! An act that somebody wants, in words: what exactly will be done, to whom.

use sqlx::PgConnection;
use uuid::Uuid;

use super::act_key;
use crate::{
    console::policies::words::{self, Line},
    domain::{
        approvals::{Act, Wish},
        authenticators, fleet, operators,
        tenants::Scope,
        users,
    },
    web::{Page, Result, explained},
};

pub struct Fact {
    /// Of its label.
    pub key: &'static str,
    pub value: String,
    pub href: Option<String>,
}

impl Fact {
    const fn plain(key: &'static str, value: String) -> Self {
        Self { key, value, href: None }
    }
}

pub struct Told {
    /// Key of its name.
    pub act: &'static str,
    /// Key of what will be done.
    pub does: &'static str,
    pub facts: Vec<Fact>,
    /// Of the policies.
    pub changes: Vec<Line>,
    /// Its target, for a list.
    pub about: String,
}

impl Told {
    pub async fn of(conn: &mut PgConnection, scope: &Scope, page: &Page, wish: &Wish) -> Result<Self> {
        let mut facts = Vec::new();
        let (mut about, mut changes) = (String::new(), Vec::new());
        if let Some(user) = wish.user() {
            about = person(&mut *conn, scope, user).await?;
            facts.push(Fact { key: "approvals-person", value: about.clone(), href: Some(format!("/console/people/{user}")) });
        }
        match wish {
            Wish::Temporary { .. } | Wish::Privileged { .. } => {}
            Wish::Code { number, .. } => facts.push(Fact::plain("approvals-number", number.clone())),
            Wish::Method { user, authenticator } => {
                let all = authenticators::list(conn, scope, *user).await?;
                let found = all.into_iter().find(|one| one.authenticator_id == *authenticator);
                let value = found.map_or_else(
                    || page.t("approvals-gone").into_owned(),
                    |one| format!("{} {}", explained::method(page.language(), one.kind.method()), one.label),
                );
                facts.push(Fact::plain("approvals-method", value));
            }
            Wish::Agent { agent, fingerprint } => {
                let found = fleet::agent(conn, *agent).await?.filter(|found| found.tenant_id == scope.id());
                about = found.map_or_else(|| page.t("approvals-gone").into_owned(), |found| found.name);
                facts.push(Fact { key: "approvals-agent", value: about.clone(), href: Some(format!("/console/agents/{agent}")) });
                facts.push(Fact::plain("approvals-fingerprint", fingerprint.clone()));
            }
            Wish::Policy { before, after } => {
                changes = words::changes(page, before, after);
                about = changes.first().map(|line| line.subject.clone()).unwrap_or_default();
            }
            Wish::Owner { operator, name, mail } => {
                about.clone_from(name);
                let href = operator.map(|operator| format!("/console/operators/{operator}"));
                facts.push(Fact { key: "approvals-operator", value: name.clone(), href });
                facts.push(Fact::plain("console-mail", mail.clone()));
                if let Some(operator) = operator
                    && let Some(found) = operators::get(conn, scope, *operator).await?
                {
                    facts.push(Fact::plain("approvals-role-now", page.t(super::super::shell::role_key(found.role)).into_owned()));
                }
            }
            Wish::Rule { of } => {
                about = page.t(act_key(*of)).into_owned();
                facts.push(Fact::plain("approvals-rule", about.clone()));
            }
        }
        let does = match wish.act() {
            Act::Temporary => "approvals-does-temporary",
            Act::Privileged => "approvals-does-privileged",
            Act::Code => "approvals-does-code",
            Act::Method => "approvals-does-method",
            Act::Agent => "approvals-does-agent",
            Act::Policy => "approvals-does-policy",
            Act::Owner => "approvals-does-owner",
            Act::Rule => "approvals-does-rule",
        };
        Ok(Self { act: act_key(wish.act()), does, facts, changes, about })
    }
}

/// By both names, as far as there are.
async fn person(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<String> {
    let called = users::called(conn, scope, &[user]).await?.remove(&user);
    Ok(called.map_or_else(String::new, |called| match called.display_name.as_str() {
        "" => called.sign_in_name,
        name => format!("{name} ({})", called.sign_in_name),
    }))
}
