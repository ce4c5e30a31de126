//! Speech models on their way to phones.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use pocketdesk_protocol::{
    models::{SignedManifest, is_digest},
    session::Problem,
};

use super::{
    App, Refusal,
    asker::{Id, SignedIn},
    ranges::{self, Wanted},
};
use crate::models::{self, ModelsError};

/// Which speech models the company offers, signed. 404 where it offers none.
#[utoipa::path(get, path = "/models", tag = "models", security(("access" = [])),
    responses((status = 200, body = SignedManifest), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn list(State(app): State<Arc<App>>, _: SignedIn) -> Result<Json<SignedManifest>, Refusal> {
    Ok(Json(hosted(&app).await?.signed))
}

/// The bytes of one of them.
#[utoipa::path(get, path = "/models/{sha256}", tag = "models", security(("access" = [])),
    params(("sha256" = String, Path), ("Range" = Option<String>, Header), ("If-Range" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>), (status = 304),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 416, body = Problem)))]
pub async fn download(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Id(sha256): Id<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !is_digest(&sha256) {
        return Err(Refusal::not_found());
    }
    let hosted = hosted(&app).await?;
    let model = hosted.model(&sha256).ok_or_else(Refusal::not_found)?;
    let etag = format!("\"{sha256}\"");
    let (status, range) = match ranges::wanted(&headers, &etag, model.size)? {
        Wanted::Bytes(status, range) => (status, range),
        Wanted::Nothing(answer) => return Ok(answer),
    };
    let mut head = ranges::head(&etag, status, &range, model.size)?;
    head.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/octet-stream"));
    let body = Body::from_stream(app.uploads.blobs().model_bytes(model, range));
    Ok((status, head, body).into_response())
}

async fn hosted(app: &App) -> Result<models::Hosted, Refusal> {
    match models::hosted(app.uploads.blobs()).await {
        Ok(found) => found.ok_or_else(Refusal::not_found),
        Err(ModelsError::Blobs(error)) => Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "the list of speech models is damaged; run `model add` again");
            Err(Refusal::not_found())
        }
    }
}
