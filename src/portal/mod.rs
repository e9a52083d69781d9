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

use axum::{Router, middleware};

use crate::{
    app::App,
    web::{origin, tenancy},
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
        .layer((
            middleware::from_fn_with_state(app.clone(), origin::layer),
            middleware::from_fn_with_state(app.clone(), tenancy::keep_language),
        ))
}
