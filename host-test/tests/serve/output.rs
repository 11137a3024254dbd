//! Findings on standard output, and a log, whose readers are slow or go away.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use crate::serve::downstream::Downstream;
use crate::serve::service::{Service, lines};
use crate::util::{Sandbox, leaving};

/// Nobody can give it another reader: it ends, and what was not written is the sender's.
#[test]
fn it_ends_when_nobody_reads_its_findings_any_more() {
    let sandbox = Sandbox::new();
    let mut service = Service::start(&sandbox, &["--state", "state"]);
    service.post(leaving(1).to_string()).expect(200);
    drop(service.child.stdout.take());
    let answer = service.post(leaving(2).to_string());
    assert!(answer.expect_retry().text.contains("standard output is closed"), "{}", answer.text);
    assert_eq!(service.wait().code(), Some(2));
    assert!(service.log_has("what could not be written is still with its senders"));

    let mut service = Service::start(&sandbox, &["--state", "state"]);
    service.post(lines(&[leaving(1), leaving(2)])).expect(200);
    let stdout = service.child.stdout.take().unwrap();
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(BufReader::new(stdout).lines().count(), 1);
}

/// A write that goes on after its batch was given up settles what it wrote.
#[test]
fn a_reader_that_stalls_gets_every_finding_once() {
    let sandbox = Sandbox::new();
    let mut service = Service::start(&sandbox, &["--timeout", "500ms", "--log-level", "debug"]);
    // More than a pipe holds.
    let batch = lines(&(0..300).map(leaving).collect::<Vec<_>>());
    service.post(&batch).expect_retry();
    service.post(&batch).expect_retry();
    let mut stdout = BufReader::new(service.child.stdout.take().unwrap()).lines();
    let mut ids: Vec<_> = stdout.by_ref().take(300).map(Result::unwrap).collect();
    ids.dedup();
    assert_eq!(ids.len(), 300);
    crate::serve::service::until(|| service.metric("orgwatch_findings_pending") == 0.0);
    service.post(&batch).expect(200);
    service.post(leaving(300).to_string()).expect(200);
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(stdout.count(), 1);
}

#[test]
fn a_reader_that_stalls_for_ever_does_not_hold_up_the_end() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--timeout", "500ms"]);
    service.post(lines(&(0..300).map(leaving).collect::<Vec<_>>())).expect_retry();
    assert_eq!(service.stop().code(), Some(0));
}

/// A finding that was delivered is settled, whether that can be logged or not.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn a_log_that_cannot_be_written_stops_nothing() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = sandbox.command();
    command.args(["serve", "--listen", &address, "--forward", &downstream.url()]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = command.stderr(full).stdout(Stdio::null()).spawn().unwrap();
    let service = Service::of(child, address);
    crate::serve::service::until(|| service.try_send("GET", "/health", &[], b"").is_some());
    for _ in 0..2 {
        service.post(leaving(1).to_string()).expect(200);
    }
    assert_eq!(downstream.ids().len(), 1);
    assert_eq!(service.stop().code(), Some(0));
}
