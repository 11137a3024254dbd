//! Requests of a browser or of another user of the machine.

use std::fs;

use crate::serve::service::Service;
use crate::util::{Sandbox, leaving};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

#[test]
fn browsers_and_strangers_are_refused() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--out", "findings"]);
    let event = leaving(1).to_string();
    let post =
        |headers: &[(&str, &str)]| service.send("POST", "/", headers, event.as_bytes()).status;
    // A form or a script of any page may send these without asking.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(post(&[("content-type", kind)]), 415);
    }
    assert_eq!(post(&[]), 415);
    assert_eq!(post(&[NDJSON, ("origin", "http://evil.example")]), 403);
    assert_eq!(post(&[NDJSON, ("origin", "null")]), 403);
    // A name that was made to lead here.
    assert_eq!(post(&[NDJSON, ("host", "evil.example:6003")]), 403);
    assert_eq!(post(&[NDJSON, ("content-encoding", "br")]), 415);
    for path in ["/health", "/metrics", "/"] {
        let evil = [("host", "evil.example")];
        assert_eq!(service.send("GET", path, &evil, b"").status, 403, "{path}");
    }
    for (method, path, status) in [
        ("PUT", "/", 405),
        ("GET", "/", 405),
        ("OPTIONS", "/", 405),
        ("POST", "/metrics", 405),
        ("GET", "/other", 404),
        ("POST", "/../", 404),
    ] {
        assert_eq!(service.send(method, path, &[NDJSON], b"{}").status, status, "{method} {path}");
    }
    assert_eq!(fs::read(sandbox.path("findings")).unwrap(), b"");
    assert_eq!(service.metric("orgwatch_requests_refused_total{reason=\"origin\"}"), 2.0);
    assert_eq!(post(&[NDJSON]), 200);
}

#[test]
fn who_does_not_know_the_token_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("token", "0123456789abcdef\n");
    let mut service = Service::start(&sandbox, &["--token-file", "token"]);
    let event = leaving(1).to_string();
    let with = |service: &Service, token: &str| {
        let headers = [NDJSON, ("authorization", token)];
        let posted = service.send("POST", "/", &headers, event.as_bytes()).status;
        let head = service.send("HEAD", "/", &[("authorization", token)], b"").status;
        let metrics = service.send("GET", "/metrics", &[("authorization", token)], b"").status;
        assert_eq!((posted, posted), (head, metrics));
        posted
    };
    let refused = service.post(&event);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    assert_eq!(with(&service, "Bearer 0123456789abcdeF"), 401);
    assert_eq!(with(&service, "Bearer 0123456789abcdef"), 200);
    // A liveness probe need not know the token.
    service.get("/health").expect(200);
    // Another one is read at SIGHUP; what is none is not.
    for (text, message) in
        [("fedcba9876543210", "settings reloaded"), ("short", "the old token stays")]
    {
        sandbox.file("token", text);
        service.signal("HUP");
        service.logged(message);
    }
    assert_eq!(with(&service, "Bearer 0123456789abcdef"), 401);
    assert_eq!(with(&service, "Bearer fedcba9876543210"), 200);
}

#[test]
fn the_environment_may_hold_the_token() {
    let sandbox = Sandbox::new();
    let ran = sandbox.command().args(["serve", "--check"]).env("ORGWATCH_TOKEN", "short").output();
    let ran = crate::util::Ran::from(ran.unwrap());
    ran.expect(0, 2).says("ORGWATCH_TOKEN: no token: 16 to 4096");
}
