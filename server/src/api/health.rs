//! For whoever watches over the server.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use http::header;
use pocketdesk_protocol::session::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, Refusal, asker::Staff};
use crate::store::Mode;

/// Answer of `GET /health`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; otherwise the answer is 503.
    status: &'static str,
}

/// 200 when database and files answer: ready for requests. 503 when one does not, or the server is stopping.
#[utoipa::path(get, path = "/health", tag = "operation",
    responses((status = 200, body = Health), (status = 503, body = Problem)))]
pub async fn health(State(app): State<Arc<App>>) -> Result<Json<Health>, Refusal> {
    if app.is_outlived() {
        return Err(Refusal::outlived());
    }
    if app.closing.is_cancelled() {
        return Err(Refusal::unavailable("The server is stopping.", 5));
    }
    let mut tx = app.ctx.store.begin(Mode::Read).await?;
    tx.query("SELECT 1", &[]).await?;
    drop(tx);
    if !app.uploads.blobs().answers().await {
        return Err(Refusal::unavailable("The place of files' bytes does not answer.", 5));
    }
    Ok(Json(Health { status: "ok" }))
}

/// Prometheus text. Here only with the staff token; without one on the listener `metrics_listen` names.
#[utoipa::path(get, path = "/metrics", tag = "operation", security(("staff" = [])),
    responses((status = 200, content_type = "application/openmetrics-text", body = String),
        (status = 401, body = Problem)))]
pub async fn metrics(
    State(app): State<Arc<App>>,
    _: Staff,
) -> ([(header::HeaderName, &'static str); 1], String) {
    text(&app)
}

fn text(app: &App) -> ([(header::HeaderName, &'static str); 1], String) {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text(app.ctx.store.kind()))
}

/// The routes of the operator's own listener: metrics without a token, and health.
pub fn operator(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(|State(app): State<Arc<App>>| async move { text(&app) }))
        .route("/health", get(health))
        .with_state(app)
}
