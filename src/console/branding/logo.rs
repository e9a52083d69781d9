//! The logo: what is uploaded is decoded and drawn anew, beside the requests and only two at a time, for each may take some 100 MB.

use std::sync::Arc;

use anyhow::Context;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{Sent, answer, save};
use crate::{
    app::App,
    console::guard::{Desk, Fresh, Govern},
    domain::branding::{self, Drawn, MOST_BYTES, State, Unfit},
    web::{Error, Result, form, upload::Upload},
};

/// For what stands around the file in the form.
const AROUND: usize = 16 << 10;
static ROOM: Semaphore = Semaphore::const_new(2);

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/branding") });
    let limit = DefaultBodyLimit::max(MOST_BYTES + AROUND);
    Router::new()
        .route("/console/branding/logo", post(upload).layer(limit).merge(back()))
        .route("/console/branding/logo/remove", post(remove).merge(back()))
}

async fn upload(desk: Fresh<Govern>, upload: Upload) -> Result<Response> {
    let seen = upload.get("seen").to_owned();
    if upload.file.is_empty() {
        return refused(&desk, "brand-error-no-file").await;
    }
    let permit = ROOM.try_acquire().map_err(|_| Error::Unavailable("try_again"))?;
    let drawn = tokio::task::spawn_blocking(move || {
        // Ends with the work, not with the request: whoever hangs up early frees no room.
        let _permit = permit;
        branding::draw(&upload.file)
    });
    // A decoder that panics has met a file that cannot be read.
    let drawn = drawn.await.unwrap_or(Err(Unfit::Broken));
    let drawn = match drawn {
        Ok(drawn) => drawn,
        Err(Unfit::Kind) => return refused(&desk, "brand-error-kind").await,
        Err(Unfit::Large) => return refused(&desk, "brand-error-large").await,
        Err(Unfit::Broken) => return refused(&desk, "brand-error-broken").await,
    };
    keep(&desk, &drawn).await.context("keeping a logo")?;
    finish(&desk, move |state| state.logo = Some(drawn.logo), &seen).await
}

/// By itself it changes nothing that anybody sees.
async fn keep(desk: &Desk, drawn: &Drawn) -> anyhow::Result<()> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    branding::keep(&mut tx, scope, &app.clock, drawn).await?;
    tx.commit().await?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    seen: String,
}

async fn remove(desk: Fresh<Govern>, form::Form(form): form::Form<Seen>) -> Result<Response> {
    finish(&desk, |state| state.logo = None, &form.seen).await
}

async fn finish(desk: &Desk, edit: impl FnOnce(&mut State) + Send, seen: &str) -> Result<Response> {
    if let Some(done) = save(desk, edit, seen).await? {
        return Ok(done);
    }
    answer(desk, StatusCode::CONFLICT, Sent { errors: vec!["console-error-stale"], ..Sent::default() }).await
}

async fn refused(desk: &Desk, error: &'static str) -> Result<Response> {
    answer(desk, StatusCode::UNPROCESSABLE_ENTITY, Sent { errors: vec![error], ..Sent::default() }).await
}
