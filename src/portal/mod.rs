//! DOOR for users. One page, one name: `password.rs` here and `templates/portal/password.html`. The tests in `tests/it/portal` go
//! by theme (codes, decoys, jobs, hostile input), since what must hold rarely ends at one page.

mod account;
mod code;
mod done;
mod ended;
mod identify;
mod journey;
mod method;
mod need;
mod not_me;
mod passkey;
mod password;
mod status;
mod stay;
mod unavailable;
mod work;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware::{self, Next},
    response::Response,
};

use crate::{
    app::App,
    web::{cookie, origin, tenancy},
};

pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .merge(identify::routes())
        .merge(method::routes())
        .merge(code::routes())
        .merge(passkey::routes())
        .merge(need::routes())
        .merge(password::routes())
        .merge(status::routes())
        .merge(stay::routes())
        .merge(done::routes())
        .merge(ended::routes())
        .merge(account::routes())
        .merge(not_me::routes())
        .merge(work::routes())
        .layer((middleware::from_fn_with_state(app.clone(), origin::layer), middleware::from_fn_with_state(app.clone(), keep_language)))
}

/// `?lang=` is kept for a year.
async fn keep_language(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asked = request.uri().query().and_then(tenancy::asked);
    let mut response = next.run(request).await;
    if let Some(language) = asked {
        response.headers_mut().append(header::SET_COOKIE, cookie::set(&app.public_url, cookie::LANGUAGE, language.tag(), 365 * 86400));
    }
    response
}
