//! DOOR for operators: administrators, the help desk, auditors. At `/console` of the tenant's own host name. Who may do what stands in
//! [`guard`]; `tests/it/console/matrix.rs` walks every route as everybody.

mod acts;
mod agents;
mod branding;
mod approvals;
mod canary;
mod checkup;
mod connectors;
mod csv;
mod audit;
mod guard;
mod history;
mod impact;
mod job;
mod jobs;
mod me;
mod operators;
mod overview;
mod people;
mod person;
mod policies;
mod prices;
mod prove;
mod register;
mod report;
mod settings;
mod shell;
mod sign_in;
mod sso;
mod sso_setup;
mod temporary;
mod support;
mod texts;
mod welcome;

use std::sync::Arc;

use axum::{Router, middleware};

use crate::{
    app::App,
    web::{origin, tenancy},
};

pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .merge(overview::routes())
        .merge(report::routes())
        .merge(prices::routes())
        .merge(people::routes())
        .merge(person::routes())
        .merge(acts::routes())
        .merge(job::routes())
        .merge(jobs::routes())
        .merge(temporary::routes())
        .merge(operators::routes())
        .merge(policies::routes())
        .merge(settings::routes())
        .merge(branding::routes())
        .merge(texts::routes())
        .merge(history::routes())
        .merge(connectors::routes())
        .merge(agents::routes())
        .merge(approvals::routes())
        .merge(audit::routes())
        .merge(support::routes())
        .merge(me::routes())
        .merge(sign_in::routes())
        .merge(sso::routes())
        .merge(sso_setup::routes())
        .merge(prove::routes())
        .merge(welcome::routes())
        .merge(register::routes())
        .layer((
            middleware::from_fn_with_state(app.clone(), origin::layer),
            middleware::from_fn_with_state(app.clone(), tenancy::keep_language),
        ))
}
