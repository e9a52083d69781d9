//! What every request carries: its id, which is the support code people read out, and where it came from.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::{app::App, base::id, domain::tenants::Tenant};

/// Laid into every request's extensions by [`layer`].
#[derive(Clone)]
pub struct Context {
    /// Ten characters of base32 without look-alikes: 50 bits.
    pub request: String,
    /// The client's, as far as trusted proxies tell.
    pub address: Option<IpAddr>,
    /// Once known, so that an error page can name it and its help contact.
    pub tenant: Arc<OnceLock<Arc<Tenant>>>,
}

impl Context {
    fn of(app: &App, request: &Request) -> Self {
        /// Crockford's alphabet: nothing that sounds or looks alike.
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let code = id::random_bytes::<10>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Self { request: code.iter().collect(), address: peer.map(|peer| client(app, request, peer)), tenant: Arc::default() }
    }
}

/// The last hop's word counts if that hop is a proxy of ours; nobody else's does.
fn client(app: &App, request: &Request, peer: IpAddr) -> IpAddr {
    if !app.server.trusted_proxies.contains(&peer) {
        return peer;
    }
    let last = request.headers().get_all("x-forwarded-for").iter().next_back();
    last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}

/// Give the request its context and its span; answer with the id. The span holds the path, which bears no secret, and no query.
pub async fn layer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let context = Context::of(&app, &request);
    let span =
        tracing::info_span!("request", request.id = %context.request, http.method = %request.method(), http.path = request.uri().path());
    request.extensions_mut().insert(context.clone());
    let started = std::time::Instant::now();
    let mut response = async {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        tracing::debug!(http.status = status, http.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX), "answered");
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = HeaderValue::from_str(&context.request) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
