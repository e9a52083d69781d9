//! The inbox's SMS side: the one call of Twilio's API that a sender needs.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;

use super::{Channel, Message, Refusal, Shelf};
use crate::base::id;

pub(super) fn routes() -> Router<Shelf> {
    Router::new().route("/2010-04-01/Accounts/{account}/Messages.json", post(create))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewMessage {
    to: String,
    from: String,
    body: String,
}

#[expect(clippy::disallowed_types, reason = "a machine calls this; there is no page to answer with")]
async fn create(State(shelf): State<Shelf>, Path(account): Path<String>, headers: HeaderMap, form: axum::Form<NewMessage>) -> Response {
    let credentials = data_encoding::BASE64.encode(format!("{}:{}", shelf.account, shelf.token).as_bytes());
    let given = headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    if account != *shelf.account || !id::same(given, format!("Basic {credentials}").as_bytes()) {
        return refuse(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    }
    let axum::Form(NewMessage { to, from, body }) = form;
    match shelf.refusal(&to) {
        Some(Refusal::ForGood) => return refuse(StatusCode::BAD_REQUEST, 21211, "Invalid 'To' Phone Number"),
        Some(Refusal::ForNow) => return refuse(StatusCode::SERVICE_UNAVAILABLE, 20503, "Service unavailable"),
        None => {}
    }
    let at = shelf.clock.now();
    let message = json!({
        "sid": format!("SM{}", id::random().simple()), "account_sid": account, "status": "queued", "direction": "outbound-api",
        "to": to, "from": from, "body": body, "error_code": null, "error_message": null,
    });
    shelf.put(Message { channel: Channel::Sms, to, from, subject: String::new(), text: body, html: None, at, raw: Vec::new() });
    (StatusCode::CREATED, Json(message)).into_response()
}

/// An error as Twilio says it.
fn refuse(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({"code": code, "message": message, "status": status.as_u16()}))).into_response()
}
