//! Who asks, and the way they came: the real address behind a named proxy, the bearer, the session, the staff.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use bytes::Bytes;
use http::{Extensions, HeaderMap, StatusCode, header};
use pocketdesk_protocol::ids::{PersonId, SessionId};
use serde::de::DeserializeOwned;

use super::{App, limit, problem::Refusal};
use crate::{auth::tokens::Access, context::Session};

/// The address a request came from, proxies taken off.
#[derive(Debug, Clone, Copy)]
pub struct From(pub IpAddr);

/// What is known of the way a request came.
pub struct WayIn {
    /// The asker's address.
    pub address: IpAddr,
    /// Whether nobody on the way could read it.
    pub private: bool,
}

/// Reads the way from the peer and, from named proxies alone, from what they say. Without a peer (World's router)
/// it is loopback.
pub fn way_in(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpAddr], tls: bool) -> WayIn {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip().to_canonical());
    let is_proxy = |ip: &IpAddr| trusted.iter().any(|known| known.to_canonical() == *ip);
    if !is_proxy(&peer) {
        return WayIn { address: peer, private: tls || peer.is_loopback() };
    }
    // The nearest address that is not itself a named proxy: whatever stands before it was written by strangers.
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
    let address = hops
        .iter()
        .rev()
        .map_while(|hop| hop.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
        .find(|ip| !is_proxy(ip));
    // The last word is the peer's own; those before it may be the asker's.
    let schemes = headers.get_all("x-forwarded-proto").iter().filter_map(|value| value.to_str().ok());
    let scheme = schemes.flat_map(|value| value.split(',')).map(str::trim).next_back();
    // A proxy on this machine that forwards nobody is its own health check.
    let own = address.is_none() && peer.is_loopback();
    WayIn { address: address.unwrap_or(peer), private: tls || own || scheme == Some("https") }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Arc<App>> for From {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        Ok(parts.extensions.get().copied().unwrap_or_else(|| {
            From(way_in(&parts.extensions, &parts.headers, &app.front.trusted_proxies, app.front.tls).address)
        }))
    }
}

/// A signed-in person, by access token.
pub struct SignedIn(pub Access);

impl SignedIn {
    /// Who.
    pub fn session(&self) -> Session {
        self.0.session
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).ok_or_else(Refusal::unauthorized)?;
        let access = app.auth.access(token).await?;
        let session = access.session.session;
        app.take(limit::Asker::Session(session), app.front.rates.session)?;
        Ok(Self(access))
    }
}

/// Whoever may send parts of uploads: a signed-in person, or the bearer of one upload's token.
pub struct Sender {
    /// Whose upload.
    pub person: PersonId,
    /// The only upload this token opens; none: all of the person's.
    pub only: Option<pocketdesk_protocol::ids::AttachmentId>,
    /// For the limit.
    pub session: SessionId,
}

impl FromRequestParts<Arc<App>> for Sender {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).ok_or_else(Refusal::unauthorized)?;
        let sender = if token.starts_with("u1.") {
            let grant = app.uploads.grant(token).ok_or_else(Refusal::unauthorized)?;
            if !app.auth.is_live(grant.session).await? {
                return Err(crate::auth::AuthError::Revoked.into());
            }
            Self { person: grant.person, only: Some(grant.id), session: grant.session }
        } else {
            let session = app.auth.access(token).await?.session;
            Self { person: session.person, only: None, session: session.session }
        };
        app.take(limit::Asker::Parts(sender.session), app.front.rates.parts)?;
        Ok(sender)
    }
}

/// A program of the desk's staff, by the staff token.
pub struct Staff;

impl FromRequestParts<Arc<App>> for Staff {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        match bearer(&parts.headers) {
            Some(token) if app.auth.keys().is_staff(token) => Ok(Self),
            _ => Err(Refusal::unauthorized()),
        }
    }
}

/// A JSON body within the route's limit.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let Raw(bytes) = Raw::from_request(request, app).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|why| Refusal::bad_request(format!("the body: {why}")))
    }
}

/// A body of bytes within the route's limit.
pub struct Raw(pub Bytes);

impl FromRequest<Arc<App>> for Raw {
    type Rejection = Refusal;
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        Bytes::from_request(request, app).await.map(Self).map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refusal::too_large("The body is larger than this route takes.")
            } else {
                Refusal::bad_request("The body broke off or is not encoded as its header says.")
            }
        })
    }
}

/// A query string.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Asked<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        Query::from_request_parts(parts, app)
            .await
            .map(|Query(query)| Self(query))
            .map_err(|why| Refusal::bad_request(format!("the query: {}", why.body_text())))
    }
}

/// An id in the path; what is none looks like one that does not exist.
pub struct Id<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<Arc<App>> for Id<T> {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| Refusal::not_found())?;
        text.parse().map(Self).map_err(|_| Refusal::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, forwarded: Option<&str>, proto: Option<&str>) -> WayIn {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        if let Some(value) = forwarded {
            headers.insert("x-forwarded-for", value.parse().unwrap());
        }
        if let Some(value) = proto {
            headers.insert("x-forwarded-proto", value.parse().unwrap());
        }
        way_in(&extensions, &headers, &["10.0.0.2".parse().unwrap(), "127.0.0.9".parse().unwrap()], false)
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        let stranger = ask("203.0.113.5", Some("192.0.2.1"), Some("https"));
        assert_eq!(stranger.address.to_string(), "203.0.113.5");
        assert!(!stranger.private);
        let proxied = ask("10.0.0.2", Some("192.0.2.1"), Some("https"));
        assert_eq!(proxied.address.to_string(), "192.0.2.1");
        assert!(proxied.private);
    }

    #[test]
    fn an_asker_cannot_say_https_before_the_proxys_own_word() {
        let private = |proto| ask("10.0.0.2", Some("192.0.2.1"), Some(proto)).private;
        assert!(private("https") && private("http, https"), "the proxy says https");
        assert!(!private("http") && !private("https, http") && !private("https,"), "it does not");
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        for said in ["https", "http"] {
            headers.append("x-forwarded-proto", said.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new("10.0.0.2".parse().unwrap(), 1)));
        assert!(
            !way_in(&extensions, &headers, &["10.0.0.2".parse().unwrap()], false).private,
            "in lines of their own"
        );
    }

    #[test]
    fn an_asker_cannot_write_their_own_address_before_the_proxys() {
        assert_eq!(
            ask("10.0.0.2", Some("1.1.1.1, 192.0.2.7"), Some("https")).address.to_string(),
            "192.0.2.7"
        );
        assert_eq!(
            ask("10.0.0.2", Some("192.0.2.7, 10.0.0.2"), Some("https")).address.to_string(),
            "192.0.2.7"
        );
        assert_eq!(
            ask("10.0.0.2", Some("192.0.2.7, nonsense"), Some("https")).address.to_string(),
            "10.0.0.2"
        );
    }

    #[test]
    fn plain_http_before_the_proxy_is_noticed() {
        assert!(!ask("10.0.0.2", Some("192.0.2.1"), Some("http")).private);
        assert!(!ask("10.0.0.2", Some("192.0.2.1"), None).private);
        assert!(!ask("127.0.0.9", Some("192.0.2.1"), None).private);
        assert!(ask("127.0.0.9", None, None).private);
        assert!(ask("127.0.0.1", None, None).private);
    }
}
