//! `/account` — one's own page, for whoever has signed in to it. And the guard of all that lies below.

mod current;
mod methods;
mod overview;
mod sign_in;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    app::{App, PublicUrl},
    domain::{
        freezes, policies,
        sessions::{self, Session},
        users::{self, User},
    },
    web::{Error, Result, Visitor, cookie, page::Ends},
};

pub fn routes() -> Router<Arc<App>> {
    overview::routes().merge(sign_in::routes()).merge(current::routes()).merge(methods::routes())
}

/// A browser in which somebody has signed in whom self-service may serve at this moment.
pub struct Account {
    pub visitor: Visitor,
    pub session: Session,
    pub user: User,
}

impl FromRequestParts<Arc<App>> for Account {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let mut visitor = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match find(&visitor, parts).await {
            Ok(Some((session, user))) => {
                visitor.ends = Some(ends(app, &session));
                visitor.find_desk(user.user_id).await.map_err(IntoResponse::into_response)?;
                Ok(Self { visitor, session, user })
            }
            Ok(None) => Err(signed_out(parts)),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// When the session does, if nothing more is done in it.
pub fn ends(app: &App, session: &Session) -> Ends {
    let seconds = (session.ends_at() - app.clock.now()).whole_seconds();
    Ends { seconds, more: session.can_go_on().then_some("/account/stay"), again: "/account/sign-in" }
}

/// The session of this browser's cookie, if it lives and its person may be served.
pub async fn find(visitor: &Visitor, parts: &Parts) -> Result<Option<(Session, User)>> {
    let app = &visitor.app;
    let Some(token) = cookie::get(&parts.headers, &app.public_url, cookie::SESSION) else { return Ok(None) };
    let mut conn = visitor.acquire().await?;
    let Some(session) = sessions::load(&mut conn, &visitor.tenant.scope, &app.clock, token).await? else { return Ok(None) };
    let user = users::served(&mut conn, &visitor.tenant.scope, session.user_id).await?;
    // Whoever no policy serves has no page either.
    let serves = policies::are_lawful(&mut conn, &visitor.tenant.scope, session.user_id, &[], Some(0)).await?;
    let frozen = freezes::is_frozen(&mut conn, &visitor.tenant.scope, session.user_id).await?;
    Ok(user.filter(|_| serves && !frozen).map(|user| (session, user)))
}

/// A page leads to where one signs in; a script is told.
fn signed_out(parts: &Parts) -> Response {
    let page = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|all| all.contains("text/html"));
    if page { Redirect::to("/account/sign-in").into_response() } else { Error::Forbidden("signed_out").into_response() }
}

/// Give the browser its session's cookie.
pub fn set_cookie(url: &PublicUrl, token: &str) -> (HeaderName, HeaderValue) {
    (header::SET_COOKIE, cookie::set(url, cookie::SESSION, token, sessions::LIFETIME.whole_seconds()))
}

/// Have the browser forget it, and whatever else it kept of the session.
fn forget(url: &PublicUrl) -> [(HeaderName, HeaderValue); 2] {
    [
        (header::SET_COOKIE, cookie::set(url, cookie::SESSION, "", 0)),
        (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ]
}
