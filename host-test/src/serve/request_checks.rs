//! Checks of requests: Vector may send, but not what a browser or another program on this machine
//! can be talked into sending.
//!
//! A browser page can send to loopback, but not without an `Origin`, not with the content types of
//! events unless it is let, and not with a `Host` of its own choice. The answers are client
//! errors, on which Vector would drop a batch too: a Vector that is set up as documented
//! meets none of them.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use hyper::{HeaderMap, StatusCode, Uri};

use super::options::loopback;
use super::token::Token;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    /// As a label of a metric.
    pub(super) why: &'static str,
    /// Advice for the operator of the sender.
    pub(super) hint: &'static str,
}

/// Refuses what a browser sends, and what was sent to another name.
pub(super) fn check_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.contains_key(ORIGIN) {
        return Err(Rejection {
            status: StatusCode::FORBIDDEN,
            why: "origin",
            hint: "requests with an Origin come from browsers, which have no business here",
        });
    }
    let named = headers.get(HOST).map(|host| host.as_bytes());
    let named = uri.authority().map(|host| host.as_str().as_bytes()).or(named);
    let host = named.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
    match loopback(without_port(host)) {
        Some(Some(_)) => Ok(()),
        _ => Err(Rejection {
            status: StatusCode::FORBIDDEN,
            why: "host",
            hint: "name this service by localhost or a loopback address",
        }),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Not the last colon of a bare IPv6 address.
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            name
        }
        _ => host,
    }
}

/// Refuses who does not know the token, if one is set.
pub(super) fn check_token(headers: &HeaderMap, token: Option<&Token>) -> Result<(), Rejection> {
    let Some(token) = token else { return Ok(()) };
    match headers.get(AUTHORIZATION) {
        Some(value) if token.is_in(value.as_bytes()) => Ok(()),
        _ => Err(Rejection {
            status: StatusCode::UNAUTHORIZED,
            why: "token",
            hint: "send the bearer token: in Vector, auth: {strategy: bearer, token: …}",
        }),
    }
}

/// Refuses what is neither NDJSON nor JSON.
pub(super) fn check_content(headers: &HeaderMap) -> Result<(), Rejection> {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    let kind = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    const KNOWN: &[&[u8]] = &[b"application/x-ndjson", b"application/ndjson", b"application/json"];
    if KNOWN.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Rejection {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        why: "content-type",
        hint: "send application/x-ndjson or application/json: in Vector, encoding: {codec: json} \
               and framing: {method: newline_delimited}",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_who_means_this_machine_is_let_in() {
        let check = |uri: &str, pairs: &[_]| check_origin(&uri.parse().unwrap(), &headers(pairs));
        for host in
            ["localhost", "localhost:6003", "127.0.0.1:6003", "127.1.2.3", "[::1]:6003", "[::1]"]
        {
            assert_eq!(check("/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:6003",
            "192.0.2.1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert_eq!(check("/", &[("host", host)]).unwrap_err().why, "host", "{host}");
        }
        assert_eq!(check("/", &[]).unwrap_err().why, "host");
        // What a proxy's request names counts, not what it says beside.
        let evil = check("http://evil.example/", &[("host", "localhost")]);
        assert_eq!(evil.unwrap_err().why, "host");
        for origin in ["http://evil.example", "null", "http://localhost:6003"] {
            let refused = check("/", &[("host", "localhost"), ("origin", origin)]);
            assert_eq!(refused.unwrap_err().why, "origin");
        }
    }

    #[test]
    fn only_events_are_taken() {
        for kind in
            ["application/x-ndjson", "application/json; charset=utf-8", "Application/NDJSON"]
        {
            assert_eq!(check_content(&headers(&[("content-type", kind)])), Ok(()), "{kind}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; x=application/json",
            "",
        ] {
            let refused = check_content(&headers(&[("content-type", kind)])).unwrap_err();
            assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        }
        assert!(check_content(&HeaderMap::new()).is_err());
    }
}
