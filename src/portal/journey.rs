//! The guard of every step behind the first: a browser with its flow. And the one table of which step is which page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    app::{App, PublicUrl},
    base::id,
    domain::{
        queue::State,
        resets::{self, Flow, Proven, Purpose, Step},
    },
    web::{Error, Result, Visitor, cookie, page::Ends},
};

/// A browser in the middle of its journey.
pub struct Journey {
    pub visitor: Visitor,
    pub flow: Flow,
}

impl FromRequestParts<Arc<App>> for Journey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let mut visitor = Visitor::from_request_parts(parts, app).await?;
        let flow = find(&visitor, parts).await?.ok_or(Error::FlowEnded)?;
        // Where nothing is asked of anybody, nobody needs time for it.
        if flow.asks() {
            let more = (!flow.extended).then_some("/reset/stay");
            let seconds = (flow.until(flow.expires_at) - app.clock.now()).whole_seconds();
            visitor.ends = Some(Ends { seconds, more, again: beginning(&flow) });
        }
        // Not a moment sooner: a page that differed before would tell whoever types a name what group that name is in.
        if let Some(user) = flow.user_id.filter(|_| flow.verified && parts.method == Method::GET) {
            visitor.find_desk(user).await?;
        }
        Ok(Self { visitor, flow })
    }
}

/// A browser that shows a flow's cookie: whose it is, and whether it lives, is asked together with what it wants.
pub struct Bearer {
    pub visitor: Visitor,
    /// The cookie's hash.
    pub browser: Vec<u8>,
}

impl FromRequestParts<Arc<App>> for Bearer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let token = cookie::get(&parts.headers, &app.public_url, cookie::FLOW).ok_or(Error::FlowEnded)?;
        Ok(Self { visitor, browser: id::sha256(token.as_bytes()) })
    }
}

/// The flow of this browser's cookie, if it still lives.
pub async fn find(visitor: &Visitor, parts: &Parts) -> Result<Option<Flow>> {
    let app = &visitor.app;
    let Some(token) = cookie::get(&parts.headers, &app.public_url, cookie::FLOW) else { return Ok(None) };
    let mut conn = visitor.acquire().await?;
    Ok(resets::load(&mut conn, &visitor.tenant.scope, &app.clock, token).await?)
}

pub const fn path(step: Step) -> &'static str {
    match step {
        Step::Method => "/reset/method",
        Step::Code(_) => "/reset/code",
        Step::Passkey => "/reset/passkey",
        Step::Need => "/reset/need",
        Step::Password => "/reset/password",
        Step::Change => "/change/password",
        Step::Current => "/account/password",
        Step::Enter => "/account/enter",
        Step::Status => "/reset/status",
        Step::Done => "/reset/done",
        Step::Ended(_) => "/reset/ended",
    }
}

/// Where such a journey begins.
const fn beginning(flow: &Flow) -> &'static str {
    match flow.purpose {
        Purpose::Change if flow.within.is_some() => "/account",
        Purpose::Reset => "/",
        Purpose::Change => "/change",
        Purpose::SignIn => "/account/sign-in",
    }
}

/// An agent that is there takes a job within moments; for one that does not nobody waits longer.
const PICK_UP: Duration = Duration::from_millis(600);
/// Nor for an answer longer than this.
const ANSWER: Duration = Duration::from_secs(2);

/// The same journey once the directory has said how the account stands, or has had its time to.
pub async fn looked(mut journey: Journey) -> Result<Journey> {
    let (app, scope) = (journey.visitor.app.clone(), journey.visitor.tenant.scope.clone());
    let asked = journey.flow.look.as_ref().filter(|look| !look.state.is_final() && look.asked_at + 2 * ANSWER > app.clock.now());
    let Some(job) = asked.map(|look| look.job_id) else { return Ok(journey) };
    let (subscription, begun) = (app.wake.subscribe(job), Instant::now());
    loop {
        let woken = subscription.next();
        let mut conn = journey.visitor.acquire().await?;
        journey.flow = resets::reload(&mut conn, &scope, &app.clock, &journey.flow).await?.ok_or(Error::FlowEnded)?;
        drop(conn);
        let patience = match journey.flow.look.as_ref().map(|look| look.state) {
            Some(State::Submitted) => PICK_UP,
            Some(State::Leased) => ANSWER,
            _ => return Ok(journey),
        };
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(journey);
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(left) => {}
        }
    }
}

/// To the page the flow belongs on.
pub fn to_step(flow: &Flow) -> Response {
    Redirect::to(path(flow.step())).into_response()
}

/// A gate is passed: a new cookie, and on to the next step.
pub fn passed(app: &App, flow: &Flow, proven: Proven) -> Response {
    let Proven::Passed { cookie, verified, asked } = proven else { return Redirect::to("/reset").into_response() };
    if let Some(connector) = asked {
        app.has_job(connector);
    }
    let next = path(if verified { flow.purpose.page() } else { Step::Method });
    ([set_cookie(&app.public_url, &cookie)], Redirect::to(next)).into_response()
}

/// Give the browser its flow's cookie. It lives as long as the flow may until the next one.
pub fn set_cookie(url: &PublicUrl, token: &str) -> (header::HeaderName, HeaderValue) {
    (header::SET_COOKIE, cookie::set(url, cookie::FLOW, token, resets::LONGEST.whole_seconds()))
}
