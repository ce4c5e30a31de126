//! Signing in, tokens, sessions, and who one is.

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use pocketdesk_protocol::{
    ids::SessionId,
    session::{Me, Problem, SessionView, SignInAsked, SignInCode, SignInEmail, TokenRequest, Tokens},
};

use super::{
    App, Refusal,
    asker::{Body, From, Id, SignedIn},
    limit::Asker,
};
use crate::people;

/// Mails a code. The answer is the same, after the same work, for known and unknown addresses.
#[utoipa::path(post, path = "/sign-in/email", tag = "sign-in", request_body = SignInEmail,
    responses((status = 200, body = SignInAsked), (status = 400, body = Problem), (status = 429, body = Problem)))]
pub async fn ask(
    State(app): State<Arc<App>>,
    from: From,
    Body(body): Body<SignInEmail>,
) -> Result<Json<SignInAsked>, Refusal> {
    app.take(Asker::SignIn(from.0), app.front.rates.sign_in)?;
    Ok(Json(app.auth.ask_code(body).await?))
}

/// Turns a code into a session. Repeated with the same code and secret it repeats its answer.
#[utoipa::path(post, path = "/sign-in/code", tag = "sign-in", request_body = SignInCode,
    responses((status = 200, body = Tokens), (status = 403, body = Problem, description = "`wrong_code` with \
        `tries_left`, or `code_expired`"), (status = 429, body = Problem)))]
pub async fn enter(
    State(app): State<Arc<App>>,
    from: From,
    Body(body): Body<SignInCode>,
) -> Result<Json<Tokens>, Refusal> {
    app.take(Asker::SignIn(from.0), app.front.rates.sign_in)?;
    Ok(Json(app.auth.enter_code(body).await?))
}

/// Rotates the refresh token. Asked again under the same rotation it repeats its answer.
#[utoipa::path(post, path = "/token", tag = "sign-in", request_body = TokenRequest,
    responses((status = 200, body = Tokens), (status = 401, body = Problem, description = "`revoked`: sign in again")))]
pub async fn rotate(
    State(app): State<Arc<App>>,
    Body(body): Body<TokenRequest>,
) -> Result<Json<Tokens>, Refusal> {
    Ok(Json(app.auth.rotate(body).await?))
}

/// The person's live sessions, the newest first.
#[utoipa::path(get, path = "/sessions", tag = "sign-in", security(("access" = [])),
    responses((status = 200, body = Vec<SessionView>), (status = 401, body = Problem)))]
pub async fn sessions(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Vec<SessionView>>, Refusal> {
    Ok(Json(app.auth.list(who.session()).await?))
}

/// Ends a session of the person's, the asking one included.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sign-in", security(("access" = [])),
    params(("id" = SessionId, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub async fn end_session(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Id(session): Id<SessionId>,
) -> Result<StatusCode, Refusal> {
    app.auth.end(who.session(), session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who one is here, what one sees, and what the desk allows.
#[utoipa::path(get, path = "/me", tag = "sync", security(("access" = [])),
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub async fn me(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Me>, Refusal> {
    Ok(Json(people::me(&app.ctx, who.session().person, &app.front.desk_name).await?))
}
