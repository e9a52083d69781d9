//! An act that somebody wants, in words: what exactly will be done, to whom.

use sqlx::PgConnection;
use uuid::Uuid;

use super::act_key;
use crate::{
    console::{
        history,
        policies::words::{self, Line},
        shell::role_key,
    },
    domain::{
        approvals::{Act, Wish},
        authenticators, fleet,
        operators::{self, Role},
        policies,
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
    /// What somebody should know of it, in words.
    pub warnings: Vec<String>,
    /// Its target, for a list.
    pub about: String,
}

impl Told {
    pub async fn of(conn: &mut PgConnection, scope: &Scope, page: &Page, wish: &Wish) -> Result<Self> {
        let mut facts = Vec::new();
        // An owner they are already.
        let mut readdressed = false;
        let (mut about, mut changes, mut warnings) = (String::new(), Vec::new(), Vec::new());
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
                let known = policies::groups(conn, scope).await?;
                let (before, after) = (before.clone().called(&known), after.clone().called(&known));
                changes = words::changes(page, &before, &after);
                warnings = after.policies.iter().flat_map(|policy| words::warnings(page, &policy.terms)).collect();
                about = changes.first().map(|line| line.subject.clone()).unwrap_or_default();
            }
            Wish::Change { what, before, after } => {
                let known = policies::groups(conn, scope).await?;
                changes = history::changes(page, *what, (before, after), &known);
                about = page.t(history::title(*what)).into_owned();
            }
            Wish::Owner { operator, name, mail } => {
                about.clone_from(name);
                let href = operator.map(|operator| format!("/console/operators/{operator}"));
                facts.push(Fact { key: "approvals-operator", value: name.clone(), href });
                facts.push(Fact::plain("console-mail", mail.clone()));
                if let Some(operator) = operator
                    && let Some(found) = operators::get(conn, scope, *operator).await?
                {
                    if found.mail.as_str() != mail {
                        facts.push(Fact::plain("approvals-mail-now", found.mail.as_str().to_owned()));
                    }
                    facts.push(Fact::plain("approvals-role-now", page.t(role_key(found.role)).into_owned()));
                    readdressed = found.role == Role::Owner;
                }
            }
            Wish::Link { operator } | Wish::Enable { operator } => {
                let found = operators::get(conn, scope, *operator).await?;
                about = found.map_or_else(|| page.t("approvals-gone").into_owned(), |found| found.name);
                let href = Some(format!("/console/operators/{operator}"));
                facts.push(Fact { key: "approvals-operator", value: about.clone(), href });
            }
            Wish::Rule { of } => {
                about = page.t(act_key(*of)).into_owned();
                facts.push(Fact::plain("approvals-rule", about.clone()));
            }
        }
        let does = match wish.act() {
            Act::Policy if matches!(wish, Wish::Change { .. }) => "approvals-does-change",
            Act::Owner if matches!(wish, Wish::Link { .. }) => "approvals-does-link",
            Act::Owner if matches!(wish, Wish::Enable { .. }) => "approvals-does-enable",
            Act::Owner if readdressed => "approvals-does-readdress",
            Act::Temporary => "approvals-does-temporary",
            Act::Privileged => "approvals-does-privileged",
            Act::Code => "approvals-does-code",
            Act::Method => "approvals-does-method",
            Act::Agent => "approvals-does-agent",
            Act::Policy => "approvals-does-policy",
            Act::Owner => "approvals-does-owner",
            Act::Rule => "approvals-does-rule",
        };
        Ok(Self { act: act_key(wish.act()), does, facts, changes, warnings, about })
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
