//! Single sign-on: the OpenID provider at which a tenant's operators may sign in, or must, and the browsers that are on their way there.
//!
//! Whoever decides where the provider is decides who may come in as whom: that is for owners. Owners keep their passwords, for the day on
//! which the provider is away.

mod attempts;

use anyhow::{Context, Result};
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    approvals,
    audit::{self, Event, Source},
    operators::{self, Role},
    tenants::Scope,
};
use crate::base::clock::Clock;
pub use attempts::{Attempt, Begun, LIFETIME, begin, clean, take};

/// As it was set up.
pub struct Provider {
    pub terms: Terms,
    pub secret: SecretString,
    pub version: i32,
}

/// What is set up, but for the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Terms {
    pub issuer: String,
    pub client_id: String,
    /// What its button is called.
    pub label: String,
    /// Values of `amr` or `acr` of which one says that a second factor was shown there; without any, ours is asked for.
    pub factors: Vec<String>,
    pub enabled: bool,
    /// All but owners must sign in there.
    pub required: bool,
}

impl Terms {
    /// Whether it says of somebody that they have shown a second factor.
    pub fn proves(&self, acr: Option<&str>, amr: &[String]) -> bool {
        self.factors.iter().any(|wanted| acr == Some(wanted) || amr.contains(wanted))
    }

    /// Whether by these somebody could come in who could not by those from before. Shutting it lets nobody in.
    fn reaches_beyond(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| {
            (&self.issuer, &self.client_id, &self.factors) != (&before.issuer, &before.client_id, &before.factors)
                || self.enabled && !before.enabled
        })
    }

    /// Values separated by commas or spaces: `None` if they cannot be such.
    pub fn parse_factors(text: &str) -> Option<Vec<String>> {
        let all: Vec<String> = text.split([',', ' ', '\n', '\r']).filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let fits = |one: &String| one.len() <= 100 && one.bytes().all(|byte| byte.is_ascii_graphic());
        (all.len() <= 10 && all.iter().all(fits)).then_some(all)
    }
}

fn place(scope: &Scope) -> Vec<u8> {
    [b"sso_providers.secret ".as_slice(), scope.id().as_bytes()].concat()
}

/// The tenant's, switched on or not.
pub async fn find(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Provider>> {
    let row = sqlx::query!(
        "select issuer, client_id, secret, label, factors, enabled, required, version from sso_providers where tenant_id = $1",
        scope.id(),
    );
    let Some(row) = row.fetch_optional(conn).await? else { return Ok(None) };
    let terms = Terms {
        issuer: row.issuer,
        client_id: row.client_id,
        label: row.label,
        factors: row.factors,
        enabled: row.enabled,
        required: row.required,
    };
    Ok(Some(Provider { terms, secret: scope.key().decrypt_text(&place(scope), &row.secret)?.as_str().into(), version: row.version }))
}

/// The one at which operators may sign in.
pub async fn open(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Provider>> {
    Ok(find(conn, scope).await?.filter(|provider| provider.terms.enabled))
}

/// Whether one still signs in at this very one, which nobody changes until the caller's transaction is over: a provider that is thrown out
/// must not let anybody in by answering slowly.
pub async fn stands(conn: &mut PgConnection, scope: &Scope, provider: &Provider) -> Result<bool> {
    hold(&mut *conn, scope).await?;
    // Another one that is set up after it counts from one again.
    Ok(open(conn, scope).await?.is_some_and(|now| (now.version, &now.terms) == (provider.version, &provider.terms)))
}

/// Whether somebody of this role may sign in with nothing but what they have here. It stays so until the caller's transaction is over.
pub async fn takes_local(conn: &mut PgConnection, scope: &Scope, role: Role) -> Result<bool> {
    if role == Role::Owner {
        return Ok(true);
    }
    hold(&mut *conn, scope).await?;
    Ok(open(conn, scope).await?.is_none_or(|provider| !provider.terms.required))
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Yes,
    /// Somebody else has changed it meanwhile.
    Stale,
    /// It is another provider, or another client of it: it must not get the secret that was typed for the one before.
    SecretWanted,
    /// One person alone could come in as a second one by it, where acts take two.
    TakesTwo,
}

/// Who changes it, and what they saw.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    pub source: &'a Source,
    /// The browser in hand stays. `None`: the command line.
    pub session: Option<Uuid>,
    /// 0: there was none; `None`: whatever there is.
    pub version: Option<i32>,
}

/// Set it up, or change it. Without a secret the one that is there stays. Whoever came in by what holds no more, is out.
pub async fn change(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    by: By<'_>,
    (terms, secret): (&Terms, Option<&SecretString>),
) -> Result<Changed> {
    use secrecy::ExposeSecret;
    let before = locked(&mut *conn, scope).await?;
    if by.version.is_some_and(|seen| seen != before.as_ref().map_or(0, |before| before.version)) {
        return Ok(Changed::Stale);
    }
    let seen = before.as_ref().map(|before| &before.terms);
    if by.session.is_some() && (secret.is_some() || terms.reaches_beyond(seen)) && !approvals::rules(&mut *conn, scope).await?.is_empty() {
        return Ok(Changed::TakesTwo);
    }
    let same = before.as_ref().filter(|before| (&before.terms.issuer, &before.terms.client_id) == (&terms.issuer, &terms.client_id));
    let Some(kept) = secret.or(same.map(|before| &before.secret)) else { return Ok(Changed::SecretWanted) };
    sqlx::query!(
        "insert into sso_providers (tenant_id, issuer, client_id, secret, label, factors, enabled, required, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (tenant_id) do update set issuer = excluded.issuer, client_id = excluded.client_id, secret = excluded.secret,
             label = excluded.label, factors = excluded.factors, enabled = excluded.enabled, required = excluded.required,
             changed_at = excluded.changed_at, version = sso_providers.version + 1",
        scope.id(),
        terms.issuer,
        terms.client_id,
        scope.key().encrypt(&place(scope), kept.expose_secret().as_bytes()),
        terms.label,
        &terms.factors,
        terms.enabled,
        terms.required,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    let before = before.map(|before| before.terms);
    // To another client it may call everybody by another name (pairwise subjects, OpenID Connect Core §8.1).
    let moved = before.as_ref().is_some_and(|before| (&before.issuer, &before.client_id) != (&terms.issuer, &terms.client_id));
    let unlinked = if moved { operators::unlink_all(&mut *conn, scope).await? } else { 0 };
    let mut ended = 0;
    if moved || !terms.enabled {
        ended += operators::end_by_way(&mut *conn, scope, true, by.session).await?;
    }
    if terms.required {
        ended += operators::end_by_way(&mut *conn, scope, false, by.session).await?;
    }
    let detail =
        serde_json::json!({ "before": before, "after": terms, "secret": secret.is_some(), "unlinked": unlinked, "sessions_ended": ended });
    audit::record(conn, scope, clock, by.source, Event { action: "sso.provider", outcome: "changed", detail, ..Event::default() }).await?;
    Ok(Changed::Yes)
}

/// There is none any more: nobody is anybody there, and whoever came by it is out.
pub async fn remove(conn: &mut PgConnection, scope: &Scope, clock: &Clock, by: By<'_>) -> Result<bool> {
    let Some(before) = locked(&mut *conn, scope).await? else { return Ok(false) };
    sqlx::query!("delete from sso_providers where tenant_id = $1", scope.id()).execute(&mut *conn).await?;
    attempts::forget(&mut *conn, scope).await?;
    let unlinked = operators::unlink_all(&mut *conn, scope).await?;
    let ended = operators::end_by_way(&mut *conn, scope, true, by.session).await?;
    let detail = serde_json::json!({ "before": before.terms, "unlinked": unlinked, "sessions_ended": ended });
    audit::record(conn, scope, clock, by.source, Event { action: "sso.provider", outcome: "removed", detail, ..Event::default() }).await?;
    Ok(true)
}

/// Nobody changes it, nor sets one up, until the caller's transaction is over.
async fn hold(conn: &mut PgConnection, scope: &Scope) -> Result<()> {
    let tenant = sqlx::query!("select tenant_id from tenants where tenant_id = $1 for share", scope.id());
    tenant.fetch_optional(conn).await?.context("the tenant")?;
    Ok(())
}

/// Two who change it at once: the second waits for the first.
async fn locked(conn: &mut PgConnection, scope: &Scope) -> Result<Option<Provider>> {
    let tenant = sqlx::query!("select tenant_id from tenants where tenant_id = $1 for update", scope.id());
    tenant.fetch_optional(&mut *conn).await?.context("the tenant")?;
    find(conn, scope).await
}

#[cfg(test)]
mod tests {
    use super::Terms;

    #[test]
    fn a_second_factor_counts_only_where_it_is_asked_for_by_name() {
        let terms = |factors: &str| Terms {
            issuer: "https://id.example".into(),
            client_id: "us".into(),
            label: "x".into(),
            factors: Terms::parse_factors(factors).unwrap(),
            enabled: true,
            required: false,
        };
        let amr = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert!(!terms("").proves(Some("mfa"), &amr(&["mfa"])), "nobody said so");
        assert!(terms("mfa, phr").proves(None, &amr(&["pwd", "mfa"])));
        assert!(terms("phr").proves(Some("phr"), &[]));
        assert!(!terms("mfa").proves(Some("urn:mfa"), &amr(&["pwd", "MFA", ""])));
        assert!(Terms::parse_factors(&"x ".repeat(11)).is_none() && Terms::parse_factors("ü").is_none());
    }
}
