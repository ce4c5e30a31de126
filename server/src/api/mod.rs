//! The routes. Each does four things: who asks, what, the service's function, the answer. What every answer has in
//! common (the protocol header, limits, compression, errors as [`Problem`]s) is laid around all of them here, once.
//!
//! [`Problem`]: pocketdesk_protocol::session::Problem

mod around;
pub mod asker;
mod attachments;
mod health;
pub mod limit;
mod live;
pub mod metrics;
mod models;
mod problem;
mod ranges;
mod sign_in;
mod staff;
mod staff_bodies;
mod sync;
mod uploads;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use http::StatusCode;
use pocketdesk_protocol::{ids::SessionId, limits};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, decompression::RequestDecompressionLayer,
    timeout::TimeoutLayer,
};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{health::operator, problem::Refusal};
use self::{limit::Limiter, metrics::Metrics};
use crate::{auth::Auth, blobs::uploads::Uploads, config::Rates, context::Context};

/// Bytes of a small JSON body.
const SMALL_BYTES: usize = 64 << 10;
/// Bytes of a staff body: files inline, as base64, of up to 8 MiB together.
const STAFF_BYTES: usize = 12 << 20;
/// Seconds for most answers' heads.
const SHORT: Duration = Duration::from_secs(30);
/// Seconds for a part to arrive: 1 MiB over 64 kbit/s is 131.
const PART: Duration = Duration::from_secs(300);
/// A pull may wait 50 seconds.
const WAITING: Duration = Duration::from_secs(90);
/// A staff file of 2 GiB.
const LONG: Duration = Duration::from_secs(3600);

/// What the front needs to know of the configuration.
#[derive(Debug, Clone)]
pub struct Front {
    /// As shown to requesters.
    pub desk_name: String,
    /// Whose word on addresses counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether the listener speaks TLS.
    pub tls: bool,
    /// How much one asker may ask.
    pub rates: Rates,
}

/// Everything behind the routes.
pub struct App {
    /// The services' ground.
    pub ctx: Context,
    /// Who asks.
    pub auth: Auth,
    /// Bytes of files.
    pub uploads: Uploads,
    /// The way in.
    pub front: Front,
    /// Counts.
    pub metrics: Metrics,
    /// Cancelled when the server stops: streams end, waiting pulls answer.
    pub closing: CancellationToken,
    outlived: AtomicBool,
    limiter: Limiter,
    streams: std::sync::Mutex<HashMap<SessionId, Vec<CancellationToken>>>,
}

impl App {
    /// See the fields.
    pub fn new(ctx: Context, auth: Auth, uploads: Uploads, front: Front, closing: CancellationToken) -> Self {
        Self {
            ctx,
            auth,
            uploads,
            front,
            metrics: Metrics::default(),
            closing,
            outlived: AtomicBool::new(false),
            limiter: Limiter::default(),
            streams: std::sync::Mutex::default(),
        }
    }

    /// Answers nobody any more: a newer program has the database.
    pub fn stand_down(&self) {
        self.outlived.store(true, Ordering::SeqCst);
        self.closing.cancel();
    }

    /// Whether it stood down.
    fn is_outlived(&self) -> bool {
        self.outlived.load(Ordering::SeqCst)
    }

    /// Takes one from the asker's bucket.
    fn take(&self, asker: limit::Asker, a_minute: u32) -> Result<(), Refusal> {
        self.limiter.take(asker, a_minute, self.ctx.env.clock.monotonic()).map_err(Refusal::too_many)
    }
}

/// The routes and their description. Only what is listed here is served, and what is served is described.
fn routes() -> OpenApiRouter<Arc<App>> {
    let small = OpenApiRouter::new()
        .routes(routes!(sign_in::ask))
        .routes(routes!(sign_in::enter))
        .routes(routes!(sign_in::rotate))
        .routes(routes!(sign_in::sessions))
        .routes(routes!(sign_in::end_session))
        .routes(routes!(sign_in::me))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::show))
        .routes(routes!(models::list))
        .routes(routes!(health::health))
        .routes(routes!(health::metrics))
        .layer(DefaultBodyLimit::max(SMALL_BYTES))
        .layer(timeout(SHORT));
    let syncing = OpenApiRouter::new()
        .routes(routes!(sync::sync))
        .routes(routes!(sync::pull))
        .layer(DefaultBodyLimit::max(limits::SYNC_REQUEST_BYTES))
        .layer(timeout(WAITING));
    let staff = staff::routes().layer(DefaultBodyLimit::max(STAFF_BYTES)).layer(timeout(SHORT));
    let packed = small.merge(syncing).merge(staff).layer(CompressionLayer::new());
    // Bodies that are bytes already, or that must not be held back by a compressor.
    let plain = OpenApiRouter::new()
        .routes(routes!(sync::snapshot))
        .routes(routes!(attachments::download))
        .routes(routes!(attachments::staff_download))
        .routes(routes!(models::download))
        .routes(routes!(live::live))
        .layer(timeout(SHORT));
    let parts = OpenApiRouter::new()
        .routes(routes!(uploads::put_part))
        .layer(DefaultBodyLimit::max(usize::try_from(limits::PART_LARGE).unwrap_or(usize::MAX)))
        .layer(timeout(PART));
    let files = OpenApiRouter::new()
        .routes(routes!(staff::upload))
        .layer(DefaultBodyLimit::disable())
        .layer(timeout(LONG));
    packed.merge(plain).merge(parts).merge(files)
}

fn timeout(after: Duration) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, after)
}

/// The whole server as one service.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(|| async { Refusal::not_found() })
        .method_not_allowed_fallback(|| async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This route has no such method.",
            )
        })
        .layer(RequestDecompressionLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), around::gate))
        .layer(CatchPanicLayer::custom(around::defect))
        .layer(middleware::from_fn_with_state(app.clone(), around::every_answer))
        .with_state(app)
}

/// The description of the routes: `server/openapi.json` is its golden copy.
pub fn openapi() -> OpenApi {
    let mut api = routes().into_openapi();
    api.info = utoipa::openapi::InfoBuilder::new()
        .title("Pocketdesk")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What phones and staff ask of a Pocketdesk server. Every answer carries `pocketdesk-protocol: 1-1`, the \
             range of versions spoken; a request that names another version is answered 426. Every error is a \
             `Problem`. Bodies may be zstd or gzip both ways.",
        ))
        .build();
    use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
    let bearer = |text: &str| {
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build(),
        )
    };
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("access", bearer("An access token, 15 minutes; `POST /token` renews it."));
    components.add_security_scheme("upload", bearer("An upload's own token, 7 days; only its parts."));
    components
        .add_security_scheme("staff", bearer("The staff token: `pocketdesk-server staff-token --data DIR`."));
    api
}

/// [`openapi`] as it lies in the repository.
pub fn openapi_json() -> String {
    openapi().to_pretty_json().expect("a description has a JSON text")
}
