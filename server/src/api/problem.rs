//! Every error answer: a status, a machine's name and a sentence. What is missing and what belongs to somebody else
//! are one answer, byte for byte.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use pocketdesk_protocol::session::{Problem, problem};

use crate::{
    auth::AuthError,
    blobs::{BlobError, uploads::UploadError},
    context::ServiceError,
    store::StoreError,
};

/// An answer that is an error.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    problem: Problem,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// `code` is one of [`problem`].
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let problem = Problem { code: code.to_owned(), detail: detail.into(), tries_left: None };
        Self { status, problem, retry_after_s: None }
    }

    /// The one answer for what is missing, foreign, or not even an id.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, problem::NOT_FOUND, "There is no such thing here, or not for you.")
    }

    /// No token, or one that opens nothing any more.
    pub fn unauthorized() -> Self {
        AuthError::Unauthorized.into()
    }

    /// A rule is broken; the sentence says which.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, problem::BAD_REQUEST, detail)
    }

    /// More bytes than this route takes.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, problem::TOO_LARGE, detail)
    }

    /// Come later.
    pub fn too_many(retry_after_s: u64) -> Self {
        let mut refusal = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            problem::TOO_MANY_REQUESTS,
            "Too many requests; wait for the seconds Retry-After names.",
        );
        refusal.retry_after_s = Some(retry_after_s.max(1));
        refusal
    }

    /// The server cannot, for now.
    pub fn unavailable(detail: &str, retry_after_s: u64) -> Self {
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, problem::UNAVAILABLE, detail);
        refusal.retry_after_s = Some(retry_after_s.max(1));
        refusal
    }

    /// A newer program has the database.
    pub fn outlived() -> Self {
        Self::unavailable("A newer version of the server has taken over; ask again, there.", 5)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound(_) => Self::not_found(),
            ServiceError::Invalid { field, reason } => Self::bad_request(format!("{field}: {reason}")),
            ServiceError::Store(error) => error.into(),
            ServiceError::Outside(error) => {
                tracing::error!(%error, "the files beside the database could not be written");
                Self::unavailable("The server cannot write just now; nothing was changed. Try again.", 30)
            }
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        // Constraints and failures name tables and columns, never a person's words.
        match &error {
            StoreError::Retry(_) => tracing::warn!(%error, "the database stays busy"),
            _ => tracing::error!(%error, "the database failed"),
        }
        Self::unavailable("The database cannot be reached or is busy; nothing was changed. Try again.", 2)
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let detail = error.to_string();
        match error {
            AuthError::Unauthorized => Self::new(StatusCode::UNAUTHORIZED, problem::UNAUTHORIZED, detail),
            AuthError::Revoked => Self::new(StatusCode::UNAUTHORIZED, problem::REVOKED, detail),
            AuthError::WrongCode { tries_left } => {
                let mut refusal = Self::new(StatusCode::FORBIDDEN, problem::WRONG_CODE, detail);
                refusal.problem.tries_left = Some(tries_left);
                refusal
            }
            AuthError::CodeExpired => Self::new(StatusCode::FORBIDDEN, problem::CODE_EXPIRED, detail),
            AuthError::TooMany { retry_after_s } => Self::too_many(retry_after_s),
            AuthError::Invalid { .. } => Self::bad_request(detail),
            AuthError::Service(error) => error.into(),
        }
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        tracing::error!(%error, "files' bytes cannot be read or written");
        Self::unavailable("Files cannot be read or written just now. Try again.", 10)
    }
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        let detail = error.to_string();
        match error {
            UploadError::Mismatch(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem::DIGEST_MISMATCH, detail)
            }
            UploadError::TooLarge(_) => Self::too_large(detail),
            UploadError::Quota(_) => {
                let mut refusal =
                    Self::new(StatusCode::TOO_MANY_REQUESTS, problem::TOO_MANY_REQUESTS, detail);
                refusal.retry_after_s = Some(600);
                refusal
            }
            UploadError::Going => Self::unavailable(&detail, 5),
            UploadError::Cut => Self::bad_request(detail),
            UploadError::Blob(error) => error.into(),
            UploadError::Service(error) => error.into(),
        }
    }
}
