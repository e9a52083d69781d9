//! What is done at the decision itself, by the nouns that would do it for one alone, in the name of whoever asked.

use anyhow::Result;
use sqlx::PgConnection;

use super::{Wish, rules};
use crate::{
    base::clock::Clock,
    domain::{
        acts,
        audit::Source,
        fleet,
        operators::{self, Draft, Role, Saved},
        policies::{self, Change},
        settings::{self, Changed, State},
        tenants::{self, Scope},
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
        Wish::Settings { before, after } => {
            let now = State::of(&tenants::again(&mut *conn, scope).await?);
            let seen = now.over(before)?.mark();
            let change = now.over(after)?.change();
            let changed = settings::change(conn, clock, source, scope, (change, Some(&seen))).await?;
            Ok(matches!(changed, Changed::Yes(_)))
        }
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
