//! What is laid around every route: the protocol header, the version gate, the way in, the limit by address.

use std::{any::Any, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use pocketdesk_protocol::{
    session::problem,
    version::{PROTOCOL_HEADER, VersionRange},
};

use super::{
    App, Refusal,
    asker::{From, way_in},
    limit,
};

/// Marks every answer as ours, turns bodiless errors into problems, and counts.
pub async fn every_answer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = app.ctx.env.clock.monotonic();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    let took = app.ctx.env.clock.monotonic().saturating_sub(began);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of one request")]
    app.metrics.answered(&method, route.as_deref(), response.status().as_u16(), took as f64 / 1000.0);
    // Made by a layer (a time-out, an encoding nobody knows) and not by a route: give it the shape of the others.
    if !response.headers().contains_key(header::CONTENT_TYPE) {
        response = match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => {
                Refusal::unavailable("This took too long; its outcome is unknown. Ask again.", 1)
                    .into_response()
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                problem::BAD_REQUEST,
                "The body's Content-Encoding is unknown here; zstd and gzip are known.",
            )
            .into_response(),
            _ => response,
        };
    }
    let ours = HeaderValue::from_str(&VersionRange::OURS.to_string()).expect("digits and a dash");
    response.headers_mut().insert(HeaderName::from_static(PROTOCOL_HEADER), ours);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Turns away who speaks another version, came in the clear, or asks too much; everybody, once a newer program has the
/// database.
pub async fn gate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if app.is_outlived() {
        return Refusal::outlived().into_response();
    }
    if let Some(value) = request.headers().get(PROTOCOL_HEADER) {
        let version = value.to_str().ok().and_then(|text| text.trim().parse::<u32>().ok());
        match version {
            Some(version) if VersionRange::OURS.contains(version) => {}
            Some(_) => {
                return Refusal::new(
                    StatusCode::UPGRADE_REQUIRED,
                    problem::TOO_OLD,
                    format!(
                        "This server speaks protocol versions {}; update the older of the two.",
                        VersionRange::OURS
                    ),
                )
                .into_response();
            }
            None => return Refusal::bad_request("pocketdesk-protocol must be one number.").into_response(),
        }
    }
    let way = way_in(request.extensions(), request.headers(), &app.front.trusted_proxies, app.front.tls);
    if !way.private {
        return Refusal::new(
            StatusCode::FORBIDDEN,
            problem::BAD_REQUEST,
            "This came in the clear. Ask by https; a proxy must say so in X-Forwarded-Proto.",
        )
        .into_response();
    }
    let address = limit::address(way.address);
    if let Err(refusal) = app.take(limit::Asker::Address(address), app.front.rates.address) {
        return refusal.into_response();
    }
    request.extensions_mut().insert(From(address));
    next.run(request).await
}

/// A panic is a bug of ours: it is logged as one, and the asker may try again.
pub fn defect(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!(panic = text, "a route panicked");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        problem::UNAVAILABLE,
        "The server failed at this; it is logged.",
    )
    .into_response()
}
