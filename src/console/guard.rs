//! Who may do what: a handler's signature is its permission. [`May`] is a signed-in operator of the right role, [`Fresh`] one who has
//! shown the second factor a moment ago as well. Roles and whether somebody is disabled are asked with every request.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::approvals;
use crate::{
    app::{App, PublicUrl},
    base::db::Plans,
    domain::operators::{self, Operator, Role, Session, Stage},
    web::{Error, Visitor, cookie, page::Ends},
};

/// What a page or an act is for.
pub trait Permission: Send + Sync {
    const ROLES: &'static [Role];
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)*;)*) => {
        $($(#[$doc])* pub struct $name;
        impl Permission for $name {
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        })*
    };
}

permissions! {
    /// Whoever is signed in.
    Any: Owner Administrator HelpDesk Auditor;
    /// Looking people up and acting for them.
    Serve: Owner Administrator HelpDesk;
    /// Connectors and agents.
    Fleet: Owner Administrator;
    /// How people are served.
    Govern: Owner Administrator;
    /// How people are served, to read it.
    Rules: Owner Administrator Auditor;
    /// Who did what.
    Trail: Owner Administrator Auditor;
    /// Operators.
    Staff: Owner Administrator;
    /// Where operators sign in: whoever decides that could come in as anybody.
    Own: Owner;
}

/// A signed-in operator at their browser.
pub struct Desk {
    /// Its `source` names the operator.
    pub visitor: Visitor,
    pub operator: Operator,
    pub session: Session,
    /// Acts of colleagues that wait for this operator's word; asked for pages only.
    pub waiting: i64,
}

impl Desk {
    pub fn may<P: Permission>(&self) -> bool {
        P::ROLES.contains(&self.operator.role)
    }
}

/// One who may.
pub struct May<P>(Desk, PhantomData<P>);

impl<P> Deref for May<P> {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl<P: Permission> FromRequestParts<Arc<App>> for May<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let Some(mut desk) = at(parts, app, Stage::In).await.map_err(IntoResponse::into_response)? else {
            return Err(signed_out(parts));
        };
        if !desk.may::<P>() {
            return Err(Error::Forbidden("not_your_role").into_response());
        }
        if wants_page(parts) {
            desk.waiting = approvals::count(app, &desk).await.map_err(IntoResponse::into_response)?;
        }
        Ok(Self(desk, PhantomData))
    }
}

/// One who may, and has shown the second factor in the last ten minutes. Whoever has not is asked for it and led back.
pub struct Fresh<P>(Desk, PhantomData<P>);

impl<P> Deref for Fresh<P> {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl<P: Permission> FromRequestParts<Arc<App>> for Fresh<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let May(desk, _) = May::<P>::from_request_parts(parts, app).await?;
        let (now, asks) = (app.clock.now(), parts.method == Method::GET);
        if if asks { desk.session.is_fresh(now) } else { desk.session.was_fresh(now) } {
            return Ok(Self(desk, PhantomData));
        }
        if !wants_page(parts) {
            return Err(Error::Forbidden("prove_again").into_response());
        }
        // Of a form that was not taken: the page that it stood on.
        let path = if asks { Some(parts.uri.path()) } else { referer(parts) };
        Err(Redirect::to(&format!("/console/prove?to={}", path.and_then(back).unwrap_or("/console"))).into_response())
    }
}

impl<P> Fresh<P> {
    pub fn into_desk(self) -> Desk {
        self.0
    }
}

/// Somebody at an earlier stage.
pub struct Halfway {
    pub visitor: Visitor,
    pub operator: Operator,
    pub session: Session,
}

impl Halfway {
    pub async fn at(parts: &Parts, app: &Arc<App>, stage: Stage) -> Result<Option<Self>, Error> {
        let desk = at(parts, app, stage).await?;
        Ok(desk.map(|Desk { visitor, operator, session, .. }| Self { visitor, operator, session }))
    }
}

/// The session of this browser's cookie at this stage.
async fn at(parts: &Parts, app: &Arc<App>, stage: Stage) -> Result<Option<Desk>, Error> {
    let mut visitor = Visitor::from_request_parts(&mut parts.clone(), app).await?;
    let Some(token) = cookie::get(&parts.headers, &app.public_url, cookie::CONSOLE) else { return Ok(None) };
    let mut conn = visitor.acquire().await?;
    let found = operators::load(&mut conn, &visitor.tenant.scope, &app.clock, token, stage).await?;
    Ok(found.map(|(session, operator)| {
        visitor.source.actor = operator.actor();
        visitor.plans = Plans::Fresh;
        if stage == Stage::In {
            let (ends, lasts) = (session.ends_at(), session.ends_at() < session.expires_at);
            let seconds = (ends - app.clock.now()).whole_seconds();
            visitor.ends = Some(Ends { seconds, more: lasts.then_some("/console/stay"), again: "/console/sign-in" });
        }
        Desk { visitor, operator, session, waiting: 0 }
    }))
}

/// A page leads to where one signs in, and back; a script is told.
fn signed_out(parts: &Parts) -> Response {
    if !wants_page(parts) {
        return Error::Forbidden("signed_out").into_response();
    }
    let path = if parts.method == Method::GET { Some(parts.uri.path()) } else { referer(parts) };
    match path.and_then(back).filter(|path| *path != "/console") {
        Some(path) => Redirect::to(&format!("/console/sign-in?to={path}")),
        None => Redirect::to("/console/sign-in"),
    }
    .into_response()
}

fn wants_page(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|all| all.contains("text/html"))
}

/// The path of the page that a form stood on; browsers send it on our own host only.
fn referer(parts: &Parts) -> Option<&str> {
    let (_, rest) = parts.headers.get(header::REFERER)?.to_str().ok()?.split_once("://")?;
    rest.find('/').map(|at| rest[at..].split(['?', '#']).next().unwrap_or_default())
}

/// A page of the console that one may be led back to: nothing else, whoever made the link.
pub fn back(path: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-_".contains(c);
    let inside = path == "/console" || path.starts_with("/console/");
    let elsewhere = ["/console/sign-in", "/console/prove", "/console/welcome"].iter().any(|at| path.starts_with(at));
    (inside && !elsewhere && path.len() <= 200 && path.chars().all(plain) && !path.contains("//")).then_some(path)
}

/// Give the browser its session's cookie.
pub fn set_cookie(url: &PublicUrl, token: &str) -> (HeaderName, HeaderValue) {
    (header::SET_COOKIE, cookie::set(url, cookie::CONSOLE, token, operators::LIFETIME.whole_seconds()))
}

/// Have the browser forget it, and whatever else it kept of the session.
pub fn forget(url: &PublicUrl) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::SET_COOKIE, cookie::set(url, cookie::CONSOLE, "", 0)),
        (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ]
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn one_is_led_back_into_the_console_and_nowhere_else() {
        for good in ["/console", "/console/people", "/console/people/019a-0b/freeze"] {
            assert_eq!(back(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/console//evil",
            "https://evil.example/console",
            "/console/../account",
            "/consoles",
            "/console?x=1",
        ] {
            assert_eq!(back(bad), None, "{bad}");
        }
        assert_eq!(back("/console/sign-in"), None, "in circles");
    }
}
