//! Where a desk's server is. Plain http goes to this device alone: a token sent over it elsewhere is everybody's.

use std::net::IpAddr;

use http::Uri;

/// Why an address is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not parse.
    #[error("this is not the address of a server; it looks like https://desk.example.com")]
    Unreadable,
    /// Plain http to another machine.
    #[error("plain http goes to this device alone; use https://")]
    PlainHttp,
    /// It carries a user, query or fragment.
    #[error("leave out everything but https://, the host, the port and the path")]
    TooMuch,
}

/// An address as it is kept and used: scheme, host, port if it is not the usual one, path without its last slash.
///
/// An address without a scheme means https, or http when it names this device.
pub fn normalise(text: &str) -> Result<String, AddressError> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        let https: Uri = format!("https://{text}").parse().map_err(|_| AddressError::Unreadable)?;
        format!("{}://{text}", if is_loopback(https.host().unwrap_or_default()) { "http" } else { "https" })
    };
    let uri: Uri = with_scheme.parse().map_err(|_| AddressError::Unreadable)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(AddressError::Unreadable);
    };
    if authority.as_str().contains('@') || uri.query().is_some() || with_scheme.contains('#') {
        return Err(AddressError::TooMuch);
    }
    let host = authority.host().to_ascii_lowercase();
    if host.is_empty() {
        return Err(AddressError::Unreadable);
    }
    let usual = match scheme {
        "https" => 443,
        "http" if is_loopback(&host) => 80,
        "http" => return Err(AddressError::PlainHttp),
        _ => return Err(AddressError::Unreadable),
    };
    let port = match authority.port_u16() {
        Some(port) if port != usual => format!(":{port}"),
        _ => String::new(),
    };
    Ok(format!("{scheme}://{host}{port}{}", uri.path().trim_end_matches('/')))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_address() {
        for text in ["https://Desk.example.com", "desk.example.com/", " https://desk.example.com:443/ "] {
            assert_eq!(normalise(text).expect("an address"), "https://desk.example.com");
        }
        assert_eq!(normalise("https://example.com/desk/").expect("an address"), "https://example.com/desk");
        assert_eq!(normalise("127.0.0.1:8080").expect("an address"), "http://127.0.0.1:8080");
        assert_eq!(normalise("http://[::1]:8080").expect("an address"), "http://[::1]:8080");
    }

    #[test]
    fn a_token_is_never_sent_in_plain_text_to_another_machine() {
        for text in ["http://desk.example.com", "http://localhost.example.com", "http://10.0.0.1:80"] {
            assert_eq!(normalise(text), Err(AddressError::PlainHttp), "{text}");
        }
        assert_eq!(normalise("ftp://desk.example.com"), Err(AddressError::Unreadable));
        assert_eq!(normalise("https://max:pass@desk.example.com"), Err(AddressError::TooMuch));
        assert_eq!(normalise("https://desk.example.com/?a=b"), Err(AddressError::TooMuch));
        assert_eq!(normalise(""), Err(AddressError::Unreadable));
        assert_eq!(normalise("https://"), Err(AddressError::Unreadable));
    }
}
