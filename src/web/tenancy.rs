//! Whose portal this is, and who asks: the guard that every page starts from.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Uri, header, request::Parts},
    middleware::Next,
    response::Response,
};
use sqlx::{Postgres, Transaction, pool::PoolConnection};
use uuid::Uuid;

use super::{Context, Error, Page, cookie, device, page::Ends};
use crate::{
    app::{App, host_and_port},
    base::{db::Plans, language::Language},
    domain::{
        audit::Source,
        authenticators::RelyingParty,
        branding,
        tenants::{Contact, Tenant},
    },
};

/// A browser at a tenant's host name.
pub struct Visitor {
    pub app: Arc<App>,
    /// As it was a moment ago: what must hold when something is done is asked again by who does it.
    pub tenant: Arc<Tenant>,
    /// As negotiated by [`language`].
    pub language: Language,
    /// For the audit: this request of this address.
    pub source: Source,
    /// As [`device::of`] has it.
    pub device: String,
    /// When the flow or the session ends that it shows.
    pub ends: Option<Ends>,
    /// Whom they ask, if not whom everybody asks: known only of somebody who has proven who they are.
    pub desk: Option<Contact>,
    /// People's doors ask for what has a key; the console searches.
    pub plans: Plans,
    request: String,
    /// One of the tenant's, by which this browser came.
    host: String,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let host = host(&parts.uri, &parts.headers).ok_or(Error::NotFound)?;
        let tenant = app.portal(&host).await?.ok_or(Error::NotFound)?;
        let context = parts.extensions.get::<Context>().cloned().ok_or_else(|| Error::Internal(anyhow::anyhow!("no request context")))?;
        let _ = context.tenant.set(tenant.clone());
        let language = language(app, &parts.uri, &parts.headers, Some(tenant.language));
        let source = Source { actor: "user".to_owned(), request: Some(context.request.clone()), address: context.address };
        let (device, request) = (device::of(&parts.headers), context.request);
        Ok(Self { app: app.clone(), tenant, language, source, device, ends: None, desk: None, plans: Plans::Kept, request, host })
    }
}

impl Visitor {
    /// A transaction that sees this tenant and no other.
    pub async fn begin(&self) -> anyhow::Result<Transaction<'static, Postgres>> {
        self.app.wall.begin(&self.tenant.scope, self.plans).await
    }

    /// The same for what is read, and for single statements that are committed by themselves.
    pub async fn acquire(&self) -> anyhow::Result<PoolConnection<Postgres>> {
        self.app.wall.acquire(&self.tenant.scope, self.plans).await
    }

    /// This portal, as passkeys know it. The host was found to be the tenant's, so nobody can name another one.
    pub fn relying_party(&self) -> Result<RelyingParty, Error> {
        Ok(RelyingParty::new(&self.origin(), &self.tenant.name)?)
    }

    /// `scheme://host[:port]` of this tenant's own pages. Of what the request says of itself only the host goes into it, which is one of
    /// the tenant's: another port of the same machine is somebody else's.
    pub fn origin(&self) -> String {
        self.app.public_url.at(&self.host)
    }

    pub fn page(&self) -> Page {
        Page::of(self.language, &self.tenant, &self.request).asking(self.desk.as_ref()).ending(self.ends)
    }

    /// This is that person, beyond doubt: from now on they are told whom their own group asks.
    pub async fn find_desk(&mut self, user: Uuid) -> Result<(), Error> {
        if self.tenant.brand.by_group {
            let mut conn = self.acquire().await?;
            self.desk = branding::contact_of(&mut conn, &self.tenant.scope, user).await?;
        }
        Ok(())
    }
}

/// The host that the request is for, in small letters: of `:authority` (HTTP/2) or of the one `Host` header. Which port it names is not
/// looked at, a proxy may have another one or none; nothing is built of it either.
pub fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let named = if let Some(authority) = uri.authority() {
        authority.as_str()
    } else {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
        host.to_str().ok()?
    };
    host_and_port(named).map(|(host, _)| host.to_ascii_lowercase())
}

/// `?lang=`, then the cookie, then `Accept-Language`, then the tenant's.
pub fn language(app: &App, uri: &Uri, headers: &HeaderMap, default: Option<Language>) -> Language {
    let asked = uri.query().and_then(asked);
    let kept = || cookie::get(headers, &app.public_url, cookie::LANGUAGE).and_then(Language::negotiate);
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(Language::negotiate);
    asked.or_else(kept).or_else(accepted).or(default).unwrap_or(Language::English)
}

/// The language that a query asks for.
pub fn asked(query: &str) -> Option<Language> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang").and_then(|(_, value)| Language::negotiate(&value))
}

/// `?lang=` is kept for a year.
pub async fn keep_language(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asked = request.uri().query().and_then(asked);
    let mut response = next.run(request).await;
    if let Some(language) = asked {
        response.headers_mut().append(header::SET_COOKIE, cookie::set(&app.public_url, cookie::LANGUAGE, language.tag(), 365 * 86400));
    }
    response
}
