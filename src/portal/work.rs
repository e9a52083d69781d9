//! `/work` — a new challenge, for a form that stood open too long.

use std::sync::Arc;

use axum::{Router, http::header, response::IntoResponse, routing::get};

use crate::{
    app::App,
    web::{Result, Visitor},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/work", get(show))
}

async fn show(visitor: Visitor) -> Result<impl IntoResponse> {
    Ok(([(header::CONTENT_TYPE, "application/json")], visitor.work().await?))
}
