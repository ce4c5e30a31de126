//! Bytes of files on their way here.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, request::Parts};
use pocketdesk_protocol::{
    ids::AttachmentId,
    session::Problem,
    uploads::{PART_DIGEST_HEADER, Upload, UploadCreate},
};

use super::{
    App, Refusal,
    asker::{Body, Id, Raw, Sender, SignedIn},
};

/// Begins an upload, or finds it; renews its token.
#[utoipa::path(post, path = "/uploads", tag = "files", security(("access" = [])), request_body = UploadCreate,
    responses((status = 200, body = Upload), (status = 401, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem, description = "The id is another file's"),
        (status = 429, body = Problem, description = "Too many unfinished uploads")))]
pub async fn create(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(body): Body<UploadCreate>,
) -> Result<Json<Upload>, Refusal> {
    Ok(Json(app.uploads.create(who.session(), body).await?))
}

/// Which parts are here.
#[utoipa::path(get, path = "/uploads/{id}", tag = "files", security(("access" = []), ("upload" = [])),
    params(("id" = AttachmentId, Path)),
    responses((status = 200, body = Upload), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn show(
    State(app): State<Arc<App>>,
    sender: Sender,
    Id(id): Id<AttachmentId>,
) -> Result<Json<Upload>, Refusal> {
    opens(&sender, id)?;
    Ok(Json(app.uploads.get(Some(sender.person), id).await?))
}

/// The part a path names.
pub struct PartPath(AttachmentId, u64);

impl FromRequestParts<Arc<App>> for PartPath {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let Path((id, n)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| Refusal::not_found())?;
        let (Ok(id), Ok(n)) = (id.parse(), n.parse()) else { return Err(Refusal::not_found()) };
        Ok(Self(id, n))
    }
}

/// Takes a part, in any order and as often as it comes. Durable when it is answered.
#[utoipa::path(put, path = "/uploads/{id}/parts/{n}", tag = "files", security(("access" = []), ("upload" = [])),
    params(("id" = AttachmentId, Path), ("n" = u64, Path, description = "From 0"),
        ("pocketdesk-digest" = String, Header, description = "SHA-256 of the part, lower-case hex")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "Kept"), (status = 200, body = Upload, description = "Kept, and with it \
        the whole is here"), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem, description = "`digest_mismatch`: the part, or the whole, is not what its \
        digest names")))]
pub async fn put_part(
    State(app): State<Arc<App>>,
    sender: Sender,
    PartPath(id, n): PartPath,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Response, Refusal> {
    opens(&sender, id)?;
    let digest =
        headers.get(PART_DIGEST_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    app.metrics.uploaded.inc_by(bytes.len() as u64);
    // In a task of its own: a phone that hangs up has sent the part all the same.
    let (done, answer) = tokio::sync::oneshot::channel();
    let uploads = app.uploads.clone();
    app.ctx.env.work.spawn(Box::pin(async move {
        let _ = done.send(uploads.put_part(Some(sender.person), id, n, &digest, bytes).await);
    }));
    let answer =
        answer.await.map_err(|_| Refusal::unavailable("The server failed at this; it is logged.", 5))?;
    Ok(match answer? {
        Some(upload) => Json(upload).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// An upload's token opens that upload alone; every other looks missing.
fn opens(sender: &Sender, id: AttachmentId) -> Result<(), Refusal> {
    if sender.only.is_some_and(|only| only != id) { Err(Refusal::not_found()) } else { Ok(()) }
}
