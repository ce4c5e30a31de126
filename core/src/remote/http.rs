//! The [`Remote`] port over reqwest: rustls with ring and roots of our own, so that there is nothing to initialise
//! on Android; no redirects, for a token must not follow one to another host.

use std::{
    error::Error,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::env::{Body, NetError, Remote};

/// To connect, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// A phone changes networks: connections that lay idle longer are not trusted.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Connections that lie idle at most. Each one that a change of network killed costs [`UNACKNOWLEDGED`] before the
/// next is tried, and all of them together must stay under the minute of 3-sync rule 10.
const POOL_SIZE: usize = 2;
/// What was sent and not acknowledged for so long went into a dead connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// One of the extra certificates cannot be read.
    #[error("extra_root_certificates_pem: not a PEM certificate: {0}")]
    Certificate(String),
}

/// The real network.
pub struct Http {
    extra_roots: Vec<CertificateDer<'static>>,
    /// Made with the first request: what is on the phone is shown before anybody is asked.
    client: OnceLock<Result<reqwest::Client, String>>,
}

impl Http {
    /// Trusts the public roots and `extra_roots_pem`. Makes its own rustls configuration: no process-wide default
    /// is read or set.
    pub fn new(extra_roots_pem: &[String]) -> Result<Self, HttpError> {
        let mut extra_roots = Vec::new();
        let mut tried = RootCertStore::empty();
        for pem in extra_roots_pem {
            let before = extra_roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| HttpError::Certificate(error.to_string()))?;
                tried.add(certificate.clone()).map_err(|error| HttpError::Certificate(error.to_string()))?;
                extra_roots.push(certificate);
            }
            if extra_roots.len() == before {
                return Err(HttpError::Certificate("it holds none".to_owned()));
            }
        }
        Ok(Self { extra_roots, client: OnceLock::new() })
    }

    fn client(&self) -> Result<reqwest::Client, NetError> {
        let made = self.client.get_or_init(|| client(&self.extra_roots));
        made.clone().map_err(|reason| {
            tracing::error!(reason, "the http client cannot be made");
            NetError::Unreachable
        })
    }
}

fn client(extra_roots: &[CertificateDer<'static>]) -> Result<reqwest::Client, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra_roots {
        roots.add(certificate.clone()).map_err(|error| error.to_string())?;
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder();
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(UNACKNOWLEDGED);
    builder
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_SIZE)
        .tcp_keepalive(UNACKNOWLEDGED)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .build()
        .map_err(|error| error.to_string())
}

impl Remote for Http {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        let client = self.client();
        async move {
            let client = client?;
            let request = reqwest::Request::try_from(request).map_err(|_| NetError::Unreachable)?;
            let response = client.execute(request).await.map_err(|error| classify(&error))?;
            let mut answer = http::Response::builder().status(response.status());
            if let Some(headers) = answer.headers_mut() {
                *headers = response.headers().clone();
            }
            let body: Body =
                response.bytes_stream().map(|chunk| chunk.map_err(|error| classify(&error))).boxed();
            answer.body(body).map_err(|_| NetError::Unreachable)
        }
        .boxed()
    }
}

/// The four things a person can do about a failed connection are: wait, wait, check the date, check the address.
fn classify(error: &reqwest::Error) -> NetError {
    if error.is_timeout() {
        return NetError::Timeout;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = tls_error(inner) {
            return match tls {
                rustls::Error::InvalidCertificate(
                    CertificateError::Expired
                    | CertificateError::ExpiredContext { .. }
                    | CertificateError::NotValidYet
                    | CertificateError::NotValidYetContext { .. },
                ) => NetError::WrongDate,
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                    NetError::Untrusted
                }
                _ => NetError::Unreachable,
            };
        }
        cause = inner.source();
    }
    if error.is_connect() { NetError::Unreachable } else { NetError::Cut }
}

/// `io::Error::source` passes over the error it wraps, so that one is looked at by hand.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref())
}
