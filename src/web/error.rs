//! What can go wrong at a door. An error becomes a bare status and an attached [`Problem`]; the layer in [`super::face`] gives it
//! its face, a page or `application/problem+json`. A surprise is logged once, here, and its text never leaves the house.

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What a handler or guard answers instead.
#[derive(Debug)]
pub enum Error {
    NotFound,
    /// There is no flow for this browser, or it is over.
    FlowEnded,
    /// A guard said no; stable code.
    Forbidden(&'static str),
    /// The caller has not shown who it is; stable code.
    Unauthorized(&'static str),
    /// The input cannot be used; stable code.
    Unusable(StatusCode, &'static str),
    /// It does not fit the state of things; stable code.
    Conflict(&'static str),
    /// Not now, but soon: the database is away, no agent is up; stable code.
    Unavailable(&'static str),
    /// A surprise: 500, logged under the request's id.
    Internal(anyhow::Error),
    /// One of the others, and what did not fit, for whoever wrote the program that asks.
    Because(Box<Self>, Cow<'static, str>),
}

impl Error {
    /// `reason`, in English, names no value of what was sent.
    #[must_use]
    pub fn because(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Because(Box::new(self), reason.into())
    }
}

/// What the face shows: a stable code, listed in docs/error-codes.md.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    pub code: &'static str,
}

/// Beside a [`Problem`]: [`Error::Because`].
#[derive(Debug, Clone)]
pub struct Reason(pub Cow<'static, str>);

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.chain().any(|cause| cause.downcast_ref::<sqlx::Error>().is_some_and(is_passing)) {
            tracing::warn!(error = format!("{error:#}"), "the database is away");
            return Self::Unavailable("try_again");
        }
        Self::Internal(error)
    }
}

/// Whether the database only needs a moment: a connection that broke, a restart, a pool that is used up.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // 08: connection; 57P: shut down or starting; 40: serialisation or deadlock; 53: out of something
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["08", "57P", "40", "53"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code, wait) = match self {
            Self::Because(error, reason) => {
                let mut response = error.into_response();
                response.extensions_mut().insert(Reason(reason));
                return response;
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", None),
            Self::FlowEnded => (StatusCode::GONE, "flow_ended", None),
            Self::Forbidden(code) => (StatusCode::FORBIDDEN, code, None),
            Self::Unauthorized(code) => (StatusCode::UNAUTHORIZED, code, None),
            Self::Unusable(status, code) => (status, code, None),
            Self::Conflict(code) => (StatusCode::CONFLICT, code, None),
            Self::Unavailable(code) => (StatusCode::SERVICE_UNAVAILABLE, code, Some(Duration::from_secs(2))),
            Self::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "could not carry on");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", None)
            }
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Problem { code });
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
