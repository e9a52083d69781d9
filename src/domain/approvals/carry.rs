//! What is done at the decision itself, by the nouns that would do it for one alone, in the name of whoever asked.

use anyhow::Result;
use serde_json::{Value, from_value};
use sqlx::PgConnection;

use super::{Wish, rules};
use crate::{
    base::clock::Clock,
    domain::{
        acts,
        audit::Source,
        branding, fleet,
        history::What,
        operators::{self, Draft, Role, Saved},
        policies::{self, Change},
        settings,
        tenants::{self, Scope},
        texts,
        users::{self, EmailAddress},
    },
};

/// False: it could not be done, and nothing was. What looks as it did when it was asked for has been made sure of.
pub async fn out(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, wish: &Wish) -> Result<bool> {
    match wish {
        Wish::Method { user, authenticator } => {
            let Some(user) = users::known(&mut *conn, scope, *user).await? else { return Ok(false) };
            acts::remove_method(conn, scope, clock, source, &user, *authenticator).await
        }
        Wish::Agent { agent, fingerprint } => fleet::confirm(conn, scope, clock, source, *agent, fingerprint).await,
        Wish::Policy { before, after } => {
            let change = Change::Restore(after.clone());
            Ok(policies::change(conn, scope, clock, source, (&change, Some(&before.mark()))).await?.is_ok())
        }
        Wish::Change { what, before, after } => kept(conn, scope, clock, source, *what, (before, after)).await,
        Wish::Owner { operator, name, mail } => {
            let Some(mail) = EmailAddress::parse(mail) else { return Ok(false) };
            let draft = Draft { name: name.clone(), mail, role: Role::Owner, groups: Vec::new() };
            let saved = match operator {
                None => operators::create(conn, scope, clock, source, &draft).await?,
                Some(operator) => {
                    let Some(before) = operators::get(&mut *conn, scope, *operator).await? else { return Ok(false) };
                    operators::change(conn, scope, clock, source, &before, &draft).await?
                }
            };
            Ok(matches!(saved, Saved::Yes(_)))
        }
        Wish::Enable { operator } => operators::switch(conn, scope, clock, source, *operator, true).await,
        Wish::Rule { of } => rules::switch(conn, scope, clock, source, *of, false).await,
        Wish::Temporary { .. } | Wish::Privileged { .. } | Wish::Code { .. } | Wish::Link { .. } => Ok(false),
    }
}

/// What the history keeps: changed from what was asked about, or not at all.
async fn kept(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    what: What,
    (before, after): (&Value, &Value),
) -> Result<bool> {
    Ok(match what {
        // They have a wish of their own.
        What::Policies => false,
        What::Settings => {
            let now = settings::State::of(&tenants::again(&mut *conn, scope).await?);
            let seen = now.over(before)?.mark();
            let wanted = (now.over(after)?.change(), Some(&*seen));
            matches!(settings::change(conn, clock, source, scope, wanted).await?, settings::Changed::Yes(_))
        }
        What::Branding => {
            let (before, after): (branding::State, branding::State) = (from_value(before.clone())?, from_value(after.clone())?);
            let wanted = (move |state: &mut branding::State| *state = after, Some(&*before.mark()));
            matches!(branding::change(conn, clock, source, scope, wanted).await?, branding::Changed::Yes(_))
        }
        What::Texts => {
            let (before, after): (texts::Entry, texts::Entry) = (from_value(before.clone())?, from_value(after.clone())?);
            let Some(which) = after.which() else { return Ok(false) };
            // What may be said may have changed while it waited.
            if after.text.as_ref().is_some_and(|text| texts::check(which, text).is_err()) {
                return Ok(false);
            }
            let seen = texts::mark_of(before.text.as_ref());
            matches!(texts::change(conn, scope, clock, source, (which, after.text), Some(&seen)).await?, texts::Changed::Yes)
        }
    })
}
