//! What an answer means for the session, said in one place. An answer without the protocol's header came from
//! something in between (captive portal, proxy, firewall) and is a network failure whatever its status: a portal's
//! 401 must sign nobody out.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use pocketdesk_protocol::{
    session::{Problem, problem},
    version::{PROTOCOL_HEADER, PROTOCOL_VERSION, VersionRange},
};

use crate::env::NetError;

/// Why a call gave nothing. All of these concern the session or the moment, never an op.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody of ours answered.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Something in between answered.
    #[error("something between this device and the desk answered")]
    NotOurs,
    /// The access token is not good any more.
    #[error("the access token has expired")]
    Unauthorized,
    /// The session is ended.
    #[error("the session was ended")]
    Revoked,
    /// The desk no longer speaks to this version.
    #[error("the desk needs a newer version of this app")]
    TooOld,
    /// Come later.
    #[error("the desk asks to come later")]
    Busy {
        /// Not before.
        after: Option<Duration>,
    },
    /// The desk failed (5xx), or its answer cannot be read.
    #[error("the desk failed (status {status})")]
    Server {
        /// Of the answer.
        status: u16,
        /// Not before.
        after: Option<Duration>,
    },
    /// The desk refused the request as such.
    #[error("the desk refused the request (status {status}, {code})")]
    Refused {
        /// Of the answer.
        status: u16,
        /// A machine's name, or empty.
        code: String,
        /// Tries left, for a wrong code.
        tries_left: Option<u32>,
    },
}

impl Failure {
    /// Whether the desk itself was reached.
    pub fn reached(&self) -> bool {
        !matches!(self, Self::Net(_) | Self::NotOurs)
    }

    /// How long the desk asks not to be asked again.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Busy { after } | Self::Server { after, .. } => *after,
            _ => None,
        }
    }
}

/// Whether an answer's head is a desk's, and its own range of versions holds ours.
pub fn head(status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
    let range =
        headers.get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok()).and_then(VersionRange::parse);
    if range.is_none() && status != StatusCode::OK && pocketdesk_protocol::planted::is("portal-believed") {
        return if status == StatusCode::UPGRADE_REQUIRED { Err(Failure::TooOld) } else { Ok(()) };
    }
    let Some(range) = range else { return Err(Failure::NotOurs) };
    if status == StatusCode::UPGRADE_REQUIRED || PROTOCOL_VERSION < range.oldest {
        return Err(Failure::TooOld);
    }
    Ok(())
}

/// What an answer of ours with an error status means; `body` is its [`Problem`] if it can be read.
pub fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let code = problem.as_ref().map(|problem| problem.code.clone()).unwrap_or_default();
    let after = retry_after(headers);
    match status {
        _ if code == problem::REVOKED => Failure::Revoked,
        StatusCode::UNAUTHORIZED if code.is_empty() || code == problem::UNAUTHORIZED => Failure::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Failure::Busy { after },
        _ if status.is_server_error() => Failure::Server { status: status.as_u16(), after },
        _ => Failure::Refused {
            status: status.as_u16(),
            code,
            tries_left: problem.and_then(|problem| problem.tries_left),
        },
    }
}

/// Seconds; a date there would need a right clock, and is not used by our server.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    // A day at most: a mistaken header must not silence a phone for a year.
    Some(Duration::from_secs(seconds.min(24 * 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value")))
            .collect()
    }

    #[test]
    fn a_captive_portal_signs_nobody_out() {
        for status in [200, 302, 401, 403, 426, 429, 500] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(head(status, &headers(&[("content-type", "text/html")])), Err(Failure::NotOurs));
            assert_eq!(head(status, &headers(&[(PROTOCOL_HEADER, "soon")])), Err(Failure::NotOurs));
        }
        assert_eq!(head(StatusCode::UNAUTHORIZED, &headers(&[(PROTOCOL_HEADER, "1-1")])), Ok(()));
    }

    #[test]
    fn only_a_desk_that_says_so_ends_a_session() {
        let revoked = br#"{"code":"revoked","detail":""}"#;
        let unauthorized = br#"{"code":"unauthorized","detail":""}"#;
        let none = headers(&[]);
        assert_eq!(refused(StatusCode::UNAUTHORIZED, &none, revoked), Failure::Revoked);
        assert_eq!(refused(StatusCode::UNAUTHORIZED, &none, unauthorized), Failure::Unauthorized);
        assert_eq!(refused(StatusCode::UNAUTHORIZED, &none, b"<html>"), Failure::Unauthorized);
        assert_eq!(
            refused(StatusCode::FORBIDDEN, &none, b""),
            Failure::Refused { status: 403, code: String::new(), tries_left: None }
        );
    }

    #[test]
    fn a_busy_desk_is_left_alone_as_long_as_it_asks_and_no_longer_than_a_day() {
        let minute = headers(&[("retry-after", "60")]);
        assert_eq!(
            refused(StatusCode::TOO_MANY_REQUESTS, &minute, b""),
            Failure::Busy { after: Some(Duration::from_secs(60)) }
        );
        let years = headers(&[("retry-after", "99999999999")]);
        assert_eq!(
            refused(StatusCode::BAD_GATEWAY, &years, b""),
            Failure::Server { status: 502, after: Some(Duration::from_secs(86_400)) }
        );
    }

    #[test]
    fn a_desk_that_speaks_to_newer_apps_only_says_so() {
        assert_eq!(head(StatusCode::OK, &headers(&[(PROTOCOL_HEADER, "2-3")])), Err(Failure::TooOld));
        assert_eq!(
            head(StatusCode::UPGRADE_REQUIRED, &headers(&[(PROTOCOL_HEADER, "1-1")])),
            Err(Failure::TooOld)
        );
    }
}
