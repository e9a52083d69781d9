//! Cross-site requests change nothing: Fetch Metadata where the browser sends it, `Origin` otherwise; with neither, no.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Error, tenancy};
use crate::app::App;

/// 403 `cross_site` for what would change something and comes from elsewhere.
pub async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if safe || is_own(&app, &request) {
        return next.run(request).await;
    }
    Error::Forbidden("cross_site").into_response()
}

fn is_own(app: &App, request: &Request) -> bool {
    let text = |headers: &HeaderMap, name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = request.headers();
    if let Some(site) = text(headers, "sec-fetch-site")
        && site != "same-origin"
    {
        return false;
    }
    match (text(headers, header::ORIGIN.as_str()), tenancy::host(request.uri(), headers)) {
        // The host is one of a tenant's, or the page behind this layer answers 404.
        (Some(origin), Some(host)) => origin == app.public_url.at(&host),
        (None, _) => headers.contains_key("sec-fetch-site"),
        (Some(_), None) => false,
    }
}
