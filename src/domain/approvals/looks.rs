//! What the target of an act looks like: whoever decides decides on what they see, and what was allowed for somebody is not done to what has
//! become of them since.

use anyhow::Result;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Wish;
use crate::{
    domain::{
        authenticators, branding, fleet, freezes,
        history::What,
        operators, policies, settings,
        tenants::{self, Scope},
        texts,
        users::{self, EmailAddress, Phone},
    },
    wire::b64,
};

/// `None`: it is not there (any more).
pub async fn of(conn: &mut PgConnection, scope: &Scope, wish: &Wish) -> Result<Option<Vec<u8>>> {
    let looks = match wish {
        Wish::Temporary { user } | Wish::Privileged { user } | Wish::Code { user, .. } => person(conn, scope, *user).await?,
        Wish::Method { user, authenticator } => {
            let all = authenticators::list(&mut *conn, scope, *user).await?;
            let Some(one) = all.iter().find(|one| one.authenticator_id == *authenticator) else { return Ok(None) };
            let method = json!([one.kind.as_str(), one.label, one.created_at.unix_timestamp(), one.stopped_at.is_some()]);
            person(conn, scope, *user).await?.map(|person| json!([person, method]))
        }
        Wish::Agent { agent, .. } => {
            let found = fleet::agent(conn, *agent).await?.filter(|found| found.tenant_id == scope.id());
            found.map(|found| json!([found.status.as_str(), b64(&found.identity), found.name, found.connector_id]))
        }
        Wish::Policy { .. } => Some(Value::String(policies::rules(conn, scope).await?.mark())),
        Wish::Change { what, before, .. } => kept(conn, scope, *what, before).await?.map(Value::String),
        Wish::Owner { operator: Some(operator), .. } | Wish::Link { operator } | Wish::Enable { operator } => {
            let found = operators::get(conn, scope, *operator).await?;
            found.map(|found| json!([found.version, found.role.as_str(), found.disabled_at.is_some(), found.is_ready]))
        }
        Wish::Owner { operator: None, .. } => Some(Value::Null),
        Wish::Rule { of } => super::wants(conn, scope, *of).await?.then_some(Value::Null),
    };
    Ok(looks.map(|looks| scope.key().hash(b"approvals.looks", looks.to_string().as_bytes())))
}

/// By what is told whether it is still this.
async fn kept(conn: &mut PgConnection, scope: &Scope, what: What, before: &Value) -> Result<Option<String>> {
    Ok(match what {
        // They have a wish of their own.
        What::Policies => None,
        What::Settings => Some(settings::mark(&tenants::again(conn, scope).await?)),
        What::Branding => Some(branding::state(conn, scope).await?.mark()),
        What::Texts => match serde_json::from_value::<texts::Entry>(before.clone())?.which() {
            Some(which) => Some(texts::mark(texts::one(conn, scope, which).await?.as_ref())),
            None => None,
        },
    })
}

async fn person(conn: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<Value>> {
    let Some(user) = users::known(&mut *conn, scope, id).await? else { return Ok(None) };
    let Some(standing) = users::standing(&mut *conn, scope, id).await? else { return Ok(None) };
    let freeze = freezes::of(&mut *conn, scope, id).await?;
    let holding = policies::holding(conn, scope, id).await?;
    let mails = [&user.mail, &user.private_mail].map(|mail| mail.as_ref().map(EmailAddress::as_str));
    Ok(Some(json!([
        user.object_guid,
        user.sign_in_name,
        user.display_name,
        mails,
        user.mobile.as_ref().map(Phone::as_str),
        [standing.enabled, standing.protected],
        freeze.map(|freeze| freeze.since.unix_timestamp()),
        holding.map(|holding| json!([holding.policy_id, holding.serves, holding.privileged])),
    ])))
}
