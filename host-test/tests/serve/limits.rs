//! Limits of bodies, of batches in flight, and of requests that do not come from Vector.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::serve::downstream::{Does, Downstream};
use crate::serve::service::{Service, lines, until};
use crate::util::{Sandbox, gzip, leaving, quiet};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

#[test]
fn a_body_that_is_too_long_is_refused_loudly() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let mut service = Service::annotating(&sandbox, &downstream, &["--max-body", "100K"]);
    let fits = format!("{{\"a\":\"{}\"}}", "x".repeat((100 << 10) - 8));
    assert_eq!(fits.len(), 100 << 10);
    service.post(&fits).expect(200);
    service.post(format!("{fits}\n")).expect(413);
    let bomb = gzip(&vec![b' '; 10 << 20]);
    assert!(bomb.len() < 100 << 10);
    let encoded = [NDJSON, ("content-encoding", "gzip")];
    service.send("POST", "/", &encoded, &bomb).expect(413);
    let zstd = zstd::encode_all(&vec![b' '; 10 << 20][..], 3).unwrap();
    service.send("POST", "/", &[NDJSON, ("content-encoding", "zstd")], &zstd).expect(413);
    // Longer than a socket's buffers: who still sends gets the answer all the same.
    service.post(vec![b' '; 30 << 20]).expect(413);
    assert_eq!(service.metric("orgwatch_requests_refused_total{reason=\"body-too-long\"}"), 4.0);
    assert_eq!(service.logged("A BATCH WAS REFUSED")["level"], "ERROR");
    assert_eq!(downstream.seen(), 1);
}

#[test]
fn an_announcement_alone_takes_nothing() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--timeout", "1s"]);
    let mut stream = service.begin(60_000_000, "{");
    // Vector sends it again after 408.
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn what_does_not_decompress_is_refused() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    for encoding in ["gzip", "zstd"] {
        let headers = [NDJSON, ("content-encoding", encoding)];
        service.send("POST", "/", &headers, leaving(1).to_string().as_bytes()).expect(400);
    }
    assert_eq!(service.metric("orgwatch_requests_refused_total{reason=\"body-encoding\"}"), 2.0);
}

#[test]
fn a_file_of_another_kind_is_named() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0; 64]].concat();
    let parquet = [&b"PAR1\x15\x04\x15\0"[..], br#"{"eventName":1}"#, b"\x0f\0\0\0PAR1"].concat();
    for (body, kind) in [
        (&png[..], "a PNG image"),
        (&parquet, "a Parquet file"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", "a ZIP archive"),
        (&gzip(&png), "a PNG image"),
    ] {
        let answer = service.send("POST", "/", &[NDJSON], body);
        answer.expect(415);
        let text = &answer.text;
        assert!(text.starts_with(&format!("the body is {kind}, not a log")), "{text}");
    }
    assert_eq!(service.metric("orgwatch_requests_refused_total{reason=\"body-not-a-log\"}"), 4.0);
}

/// Past the bound the next waits, with its body, and is neither refused nor lost.
#[test]
fn a_slow_downstream_slows_the_sender() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &["--max-in-flight", "2"]);
    downstream.will(&[Does::Waits(Duration::from_millis(400)); 6]);
    thread::scope(|scope| {
        let posts: Vec<_> = (1..=6)
            .map(|id| {
                let service = &service;
                scope.spawn(move || service.post(lines(&[quiet(id), leaving(id)])).status)
            })
            .collect();
        let mut most = 0.0_f64;
        until(|| {
            most = most.max(service.metric("orgwatch_batches_in_flight"));
            // It goes on answering meanwhile.
            service.get("/health").expect(200);
            downstream.seen() == 6
        });
        assert!(most <= 2.0, "{most}");
        assert!(posts.into_iter().all(|post| post.join().unwrap() == 200));
    });
    assert_eq!(downstream.ids().len(), 6);
}

#[test]
fn who_waits_too_long_is_told_to_come_again() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let args = ["--max-in-flight", "1", "--timeout", "500ms"];
    let service = Service::annotating(&sandbox, &downstream, &args);
    downstream.will(&[Does::Waits(Duration::from_secs(3)); 2]);
    let answers: Vec<u16> = thread::scope(|scope| {
        let posts = [1, 2].map(|id| {
            let service = &service;
            scope.spawn(move || service.post(leaving(id).to_string()).status)
        });
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(answers, [503, 503]);
}

/// Many small events, a few large, and one larger than any guest reads.
#[test]
fn a_large_batch_goes_through() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let mut events: Vec<_> = (0..20_000).map(quiet).collect();
    let mut large = leaving(1);
    large["requestParameters"] = "x".repeat(20 << 20).into();
    events.insert(10_000, large);
    events.push(leaving(2));
    let body = lines(&events);
    service.post(&body).expect(200);
    let taken = downstream.taken().pop().unwrap();
    assert_eq!(taken.split('\n').count(), events.len());
    assert!(taken.len() > body.len() && !downstream.ids().is_empty());
}

/// One line made of our names, and one array of nothing: neither may take more than once through.
#[test]
fn what_is_made_to_be_slow_is_not() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    for name in ["\"orgwatch\"", "\"\\u0041\""] {
        let line = format!("{{\"x\":[{}1]}}", format!("{name},").repeat(3_000_000));
        service.post(&line).expect(200);
        assert!(downstream.taken().pop().unwrap() == line);
    }
    let array = format!("[{}1]", "1,".repeat(1_000_000));
    service.post(&array).expect(200);
    assert!(downstream.taken().pop().unwrap() == "1\n".repeat(1_000_001));
}

#[test]
fn requests_that_make_no_sense_do_not_hurt() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    for bytes in [
        &b"GET\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n",
        &[b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 2 << 20]].concat(),
    ] {
        let mut stream = TcpStream::connect(&service.address).unwrap();
        // It may close before all is sent.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    service.post(leaving(1).to_string()).expect(200);
}
