//! Merges the doors, puts the outer layers around them, listens, drains.
//!
//! The accept loop is our own: `axum::serve` installs no timer, so hyper's header-read timeout would be inert. Plain connections
//! speak HTTP/1.1 only and TLS ones what ALPN chose, since hyper's guessing of the version reads without a timeout.

mod patience;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::Request,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use self::patience::Patient;
use crate::{
    agent_api,
    app::App,
    base::config,
    console, portal,
    web::{Error, assets, brand, context, face, headers},
};

/// Bytes of a request's body, unless a route says otherwise.
const BODY_LIMIT: usize = 64 << 10;
/// Bytes of a request's head.
const HEAD_LIMIT: usize = 16 << 10;
/// A head must have arrived within this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection may rest for this between two requests: longer than agents do between two heartbeats, and than a poll waits.
const REST: Duration = Duration::from_secs(75);
/// A TLS handshake must be over within this.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// All doors with all layers: what is served, and what tests drive.
pub fn router(app: &Arc<App>) -> Router {
    within_layers(app, Router::new().merge(portal::routes(app)).merge(console::routes(app)).merge(agent_api::routes()))
}

/// These doors, with what every node serves and all layers.
pub fn within_layers(app: &Arc<App>, doors: Router<Arc<App>>) -> Router {
    doors
        .route("/static/{*path}", get(assets::serve))
        .route("/brand/accent.css", get(brand::sheet))
        .route("/brand/logo.png", get(brand::logo))
        .route("/health/live", get(|| async { "live" }))
        .route("/health/ready", get(ready))
        .fallback(|| async { Error::NotFound })
        // Outermost first. All at once: each by itself would be put on the heap anew with every request.
        .layer((
            middleware::from_fn(headers::layer),
            middleware::from_fn_with_state(app.clone(), context::layer),
            middleware::from_fn_with_state(app.clone(), face::layer),
            CatchPanicLayer::custom(panicked),
            DefaultBodyLimit::max(BODY_LIMIT),
        ))
        .with_state(app.clone())
}

/// Whether this node can serve: it has its database.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let query = sqlx::query_scalar!("select 1 as one").fetch_one(&app.db);
    match tokio::time::timeout(Duration::from_secs(2), query).await {
        Ok(Ok(_)) if !app.stop.is_cancelled() => "ready".into_response(),
        _ => Error::Unavailable("try_again").into_response(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    Error::Internal(anyhow!("panic: {}", text.unwrap_or("no text"))).into_response()
}

/// Serve `listener` until `app.stop`, then let open requests finish.
pub async fn serve(app: Arc<App>, listener: TcpListener) -> Result<()> {
    let (router, tls) = (router(&app), tls(&app.server)?);
    let (graceful, permits) = (GracefulShutdown::new(), Arc::new(Semaphore::new(app.server.max_connections)));
    loop {
        let permit = tokio::select! {
            () = app.stop.cancelled() => break,
            permit = permits.clone().acquire_owned() => permit.context("the connection cap is gone")?,
        };
        let (stream, peer) = tokio::select! {
            () = app.stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a connection that died in the queue.
                    tracing::warn!(error = %error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (router, tls, watcher) = (router.clone(), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection(router, tls, watcher, stream, peer).await {
                tracing::debug!(error = format!("{error:#}"), "a connection ended early");
            }
        });
    }
    drop(listener);
    let wait = Duration::from_secs(app.server.drain_seconds);
    if tokio::time::timeout(wait, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were cut off: they did not end within {} s", wait.as_secs());
    }
    Ok(())
}

async fn connection(router: Router, tls: Option<TlsAcceptor>, watcher: Watcher, stream: TcpStream, peer: SocketAddr) -> Result<()> {
    stream.set_nodelay(true)?;
    // Each kind on the heap by itself, or every connection would keep room for the largest, and ten thousand agents may rest here.
    match tls {
        None => Box::pin(http1(router, watcher, stream, peer)).await,
        Some(tls) => Box::pin(secure(tls, router, watcher, stream, peer)).await,
    }
}

async fn secure(tls: TlsAcceptor, router: Router, watcher: Watcher, stream: TcpStream, peer: SocketAddr) -> Result<()> {
    let stream = Box::pin(tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream))).await.context("no TLS handshake")??;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        return Box::pin(http2(router, watcher, stream, peer)).await;
    }
    Box::pin(http1(router, watcher, stream, peer)).await
}

async fn answer(router: Router, peer: SocketAddr, mut request: Request<Incoming>) -> Result<Response, std::convert::Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request.map(Body::new)).await
}

async fn http1(
    router: Router,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
) -> Result<()> {
    let (stream, turn) = Patient::new(stream, HEAD_TIMEOUT);
    let service = service_fn(move |request| {
        turn.ours();
        let (router, turn) = (router.clone(), turn.clone());
        async move {
            let answer = answer(router, peer, request).await;
            turn.theirs();
            answer
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REST)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    watcher.watch(connection).await.context("HTTP/1.1")
}

async fn http2(
    router: Router,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
) -> Result<()> {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(HEAD_TIMEOUT)
        .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
        .max_concurrent_streams(100)
        .serve_connection(TokioIo::new(stream), service);
    watcher.watch(connection).await.context("HTTP/2")
}

/// What speaks TLS with `server.tls_*`, whose files must be there and fit together. `None`: a reverse proxy speaks it for us.
pub fn tls(settings: &config::Server) -> Result<Option<TlsAcceptor>> {
    let (chain, key) = (&settings.tls_cert_file, &settings.tls_key_file);
    if chain == Path::new("") && key == Path::new("") {
        return Ok(None);
    }
    let chain = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("server.tls_cert_file {}", chain.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("server.tls_key_file {}", key.display()))?;
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).context("server.tls_cert_file")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// Bind, with one clear sentence when it fails.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            anyhow!("port {} on {} is taken: stop what listens there or set server.listen", address.port(), address.ip())
        }
        io::ErrorKind::PermissionDenied => anyhow!("no right to listen on {address}: choose a port above 1023"),
        _ => anyhow!("listening on {address}: {error}"),
    })
}
