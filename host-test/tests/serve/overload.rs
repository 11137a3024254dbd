//! More than the detector can do, senders that dawdle, and stopping under all of it.

use std::fs;
use std::io::Read as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::serve::service::{Service, until};
use crate::util::{Sandbox, leaving, quiet};

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

/// So many MB of events of which each has to be examined, and none gives a finding.
fn candidates(megabytes: usize) -> Vec<u8> {
    let mut event = leaving(1);
    event["eventSource"] = "ec2.amazonaws.com".into();
    let line = format!("{event}\n").into_bytes();
    line.repeat((megabytes << 20) / line.len())
}

/// A value in KiB of `/proc`'s status, or a number.
fn status(service: &Service, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Batches that were given up were kept and examined all the same: gigabytes, and minutes after the
/// last sender had gone.
#[cfg(target_os = "linux")]
#[test]
fn what_nobody_waits_for_is_neither_kept_nor_examined() {
    const SENDERS: u32 = 8;
    const ROUNDS: u32 = 10;
    let sandbox = Sandbox::new();
    let args = ["--timeout", "300ms", "--max-body", "16M", "--state", "state"];
    let service = Service::start(&sandbox, &args);
    let body = candidates(12);
    let taken = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    // One for which there is no room is not read to its end: no answer either.
                    let answer = service.try_send("POST", "/", &NDJSON, &body);
                    match answer.map_or(503, |answer| answer.status) {
                        200 => drop(taken.fetch_add(1, Ordering::Relaxed)),
                        status => assert!(matches!(status, 503 | 408), "{status}"),
                    }
                }
            });
        }
    });
    // The next one is answered before what was given up would have been examined.
    until(|| service.post(leaving(2).to_string()).status == 200);
    until(|| service.metric("orgwatch_batches_in_flight") == 0.0);
    let given_up = SENDERS * ROUNDS - taken.into_inner();
    let abandoned = service.metric("orgwatch_batches_abandoned_total");
    assert!(abandoned > 0.0 && abandoned <= f64::from(given_up), "{abandoned} of {given_up}");
    let written = service.metric("orgwatch_journal_writes_total{outcome=\"ok\"}");
    let parts = f64::from(SENDERS * ROUNDS) * 12.0;
    assert!(written < parts / 2.0, "{written} of {parts} parts were examined");
    // The bound of docs/operations.md: twice --max-in-flight of --max-body, and the detector.
    let most = status(&service, "VmHWM");
    println!(
        "{given_up} batches given up, {abandoned} of them at the detector, {most} KiB at the most"
    );
    assert!(most < (2 * 8 * 16 + 100) << 10, "{most} KiB");
}

/// Each took one of the places for batches, and a good sender waited until their time was over.
#[test]
fn slow_senders_keep_nobody_waiting() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--max-in-flight", "8", "--out", "findings"]);
    let mut slow: Vec<_> = (0..8).map(|_| service.begin(60_000_000, "{")).collect();
    slow.extend((0..8).map(|_| service.begin(60_000_000, vec![b' '; 2 << 20])));
    for id in 0..20 {
        service.post(leaving(id).to_string()).expect(200);
    }
    service.post(format!("{}\n", quiet(1)).repeat(10_000)).expect(200);
    // They have no answer yet: nobody waited for them.
    for stream in &slow {
        stream.set_nonblocking(true).unwrap();
        let peeked = stream.peek(&mut [0]).map_err(|err| err.kind());
        assert_eq!(peeked, Err(std::io::ErrorKind::WouldBlock));
    }
}

/// A body has a time of its own, which is shorter than that of a batch.
#[test]
fn a_body_that_does_not_come_is_not_waited_for_as_long_as_a_batch() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--timeout", "10m"]);
    let mut stream = service.begin(9, "{");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// A save that waited for the detector kept a signal from being heard, and the second as well.
#[test]
fn a_stop_is_heard_while_the_detector_is_busy_and_the_state_is_saved() {
    let sandbox = Sandbox::new();
    let args = ["--state", "state", "--save-interval", "100ms", "--out", "findings"];
    let mut service = Service::start(&sandbox, &args);
    service.post(leaving(1).to_string()).expect(200);
    let body = candidates(30);
    let address = service.address.clone();
    thread::scope(|scope| {
        let posts: Vec<_> = (0..6)
            .map(|_| {
                let (service, body) = (&service, &body);
                scope.spawn(move || {
                    service.try_send("POST", "/", &NDJSON, body).map(|answer| answer.status)
                })
            })
            .collect();
        until(|| service.metric("orgwatch_batches_in_flight") >= 5.0);
        let saved = service.metric("orgwatch_state_saves_total{outcome=\"ok\"}");
        // A save goes before the batches.
        until(|| service.metric("orgwatch_state_saves_total{outcome=\"ok\"}") > saved + 1.0);
        service.signal("TERM");
        until(|| service.log_has("stopping"));
        assert!(
            posts.iter().any(|post| !post.is_finished()),
            "it was heard after all batches only"
        );
        service.signal("TERM");
        until(|| service.log_has("stopped at once"));
        let answers: Vec<_> = posts.into_iter().map(|post| post.join().unwrap()).collect();
        assert!(answers.contains(&None), "{answers:?}");
    });
    assert_eq!(service.wait().code(), Some(0));
    assert!(TcpStream::connect(address).is_err());
    // And what was learned is there.
    let service = Service::start(&sandbox, &args);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(fs::read_to_string(sandbox.path("findings")).unwrap().lines().count(), 1);
}

/// One thread a core was more than the unit allows on a large machine: it did not start.
#[cfg(target_os = "linux")]
#[test]
fn the_number_of_threads_does_not_depend_on_the_machine() {
    let sandbox = Sandbox::new();
    let start = |command: &mut std::process::Command| {
        command
            .env("TOKIO_WORKER_THREADS", "100")
            .env("RAYON_NUM_THREADS", "100")
            // Nothing is compiled yet.
            .env("ORGWATCH_CACHE_DIR", sandbox.path("cache"));
    };
    let service = Service::start_with(&sandbox, &["--state", "state", "--out", "findings"], start);
    for id in 0..20 {
        service.post(leaving(id).to_string()).expect(200);
    }
    let threads = status(&service, "Threads");
    assert!(threads < 20, "{threads} threads");
}

/// Both kinds of refusal named the setting of one of them.
#[test]
fn a_body_that_does_not_decompress_is_not_said_to_be_too_long() {
    let sandbox = Sandbox::new();
    let mut service = Service::start(&sandbox, &[]);
    let headers = [NDJSON[0], ("content-encoding", "gzip")];
    service.send("POST", "/", &headers, b"{}").expect(400);
    let line = service.logged("A BATCH WAS REFUSED").to_string();
    assert!(!line.contains("max-body") && line.contains("Content-Encoding"), "{line}");
}
