//! The detector's memory across a kill.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::serve::downstream::{Does, Downstream};
use crate::serve::service::{Service, until};
use crate::support;
use crate::util::{Sandbox, leaving, quiet};

/// Nothing is saved but at the end, which a kill does not have.
const UNSAVED: [&str; 4] = ["--state", "state", "--save-interval", "1h"];

/// Events of which the last completes a chain.
fn incident() -> Vec<String> {
    let case = support::root().join("tests/cases/power-then-exit/attempt-power-exit/events.ndjson");
    fs::read_to_string(case).unwrap().lines().map(str::to_owned).collect()
}

fn chains(downstream: &Downstream) -> usize {
    let text = downstream.taken().join("\n");
    text.matches("\"rule\":\"power-then-exit\"").count()
}

/// A chain was missed whose first parts were delivered before a kill, and whose last came after it.
#[test]
fn a_chain_that_a_kill_divides_is_found() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    for event in incident() {
        let service = Service::annotating(&sandbox, &downstream, &UNSAVED);
        // A save at the start would not show it.
        thread::sleep(Duration::from_millis(500));
        service.post(&event).expect(200);
        service.kill();
    }
    assert_eq!(chains(&downstream), 1);
    let ids = downstream.ids();
    // All of it once more: what was delivered before the kills stays delivered.
    let mut service = Service::annotating(&sandbox, &downstream, &UNSAVED);
    service.logged("the journal was replayed");
    service.post(incident().join("\n")).expect(200);
    assert_eq!(downstream.ids(), ids);
}

/// Another command that reads the state has the contents of the journal, too.
#[test]
fn a_scan_takes_up_what_a_killed_service_has_learned() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let incident = incident();
    let (last, first) = incident.split_last().unwrap();
    sandbox.file("before", leaving(6).to_string());
    sandbox.run(&["learn", "before", "--state", "state"]).expect(0, 0);
    let service = Service::tapping(&sandbox, &downstream, &UNSAVED);
    service.post(first.join("\n")).expect(200);
    downstream.will(&[Does::Closes]);
    service.post(leaving(7).to_string()).expect_retry();
    service.kill();
    sandbox.file("last", last);
    let journal = fs::read(sandbox.path("state.journal")).unwrap();
    sandbox.file("bake.yaml", "");
    let module = support::root().join("dist").join("none.wasm");
    let baking = ["bake", "--settings", "bake.yaml", "-o", "out.wasm", "--state", "state"];
    let baked = sandbox.run(&[&baking[..], &[&module.to_string_lossy()]].concat());
    baked.expect(0, 2).says("the journal beside it has what came since");
    let ran = sandbox.scan(&["last", "--state", "state"]);
    assert!(ran.out.contains("\"rule\":\"power-then-exit\""), "{ran:#?}");
    // It is in the state now; and what the service has not delivered is still to be delivered.
    assert!(fs::read(sandbox.path("state.journal")).unwrap().len() < journal.len());
    let before = downstream.ids().len();
    let service = Service::tapping(&sandbox, &downstream, &UNSAVED);
    service.post(leaving(7).to_string()).expect(200);
    service.post(incident.join("\n")).expect(200);
    assert_eq!(downstream.ids().len(), before + 1);
}

#[test]
fn only_candidates_are_written_and_a_save_empties_it() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &UNSAVED);
    let journal = sandbox.path("state.journal");
    let many: Vec<_> = (0..1000).map(|id| quiet(id).to_string()).collect();
    service.post(many.join("\n")).expect(200);
    assert!(!journal.exists());
    service.post([many.join("\n"), leaving(1).to_string()].join("\n")).expect(200);
    let length = journal.metadata().unwrap().len();
    assert!(length < 2000, "{length}");
    assert_eq!(service.metric("orgwatch_journal_bytes"), length as f64);
    assert_eq!(service.metric("orgwatch_journal_writes_total{outcome=\"ok\"}"), 1.0);
    assert_eq!(service.stop().code(), Some(0));
    assert!(journal.metadata().unwrap().len() < 100);
    // Without a state there is none.
    let service = Service::start(&sandbox, &["--out", "findings"]);
    service.post(leaving(2).to_string()).expect(200);
    assert!(!sandbox.path("findings.journal").exists());
}

/// A journal that becomes long makes the state be saved before its time.
#[test]
fn it_does_not_grow_without_bound() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &UNSAVED);
    let mut event = leaving(1);
    event["eventSource"] = "ec2.amazonaws.com".into();
    event["requestParameters"] = "x".repeat(4 << 20).into();
    for _ in 0..12 {
        service.post(event.to_string()).expect(200);
    }
    until(|| service.metric("orgwatch_state_saves_total{outcome=\"ok\"}") > 0.0);
    until(|| sandbox.path("state.journal").metadata().unwrap().len() < 20 << 20);
    service.post(leaving(2).to_string()).expect(200);
    service.kill();
    let service = Service::start(&sandbox, &UNSAVED);
    service.post(leaving(2).to_string()).expect(200);
    assert_eq!(service.metric("orgwatch_findings_deduplicated_total"), 1.0);
}

/// A batch that a crash would forget is not acknowledged.
#[test]
fn what_cannot_be_written_down_is_the_senders() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let mut service = Service::annotating(&sandbox, &downstream, &UNSAVED);
    fs::create_dir(sandbox.path("state.journal")).unwrap();
    let answer = service.post(leaving(1).to_string());
    assert!(answer.expect_retry().text.contains("journal"), "{}", answer.text);
    assert_eq!(service.logged("the journal cannot be written")["level"], "ERROR");
    assert_eq!(service.metric("orgwatch_journal_writes_total{outcome=\"failed\"}"), 1.0);
    // A batch without candidates needs no journal.
    service.post(quiet(1).to_string()).expect(200);
    fs::remove_dir(sandbox.path("state.journal")).unwrap();
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
    service.kill();
    let service = Service::annotating(&sandbox, &downstream, &UNSAVED);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}

#[test]
fn a_journal_that_is_damaged_is_refused_and_left_as_it_is() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[&UNSAVED[..], &["--out", "findings"]].concat());
    for id in 0..3 {
        service.post(leaving(id).to_string()).expect(200);
    }
    service.kill();
    let journal = sandbox.path("state.journal");
    let whole = fs::read(&journal).unwrap();
    let mut damaged = whole.clone();
    damaged[200] ^= 1;
    fs::write(&journal, &damaged).unwrap();
    sandbox.file("logs", leaving(9).to_string());
    for args in [
        &["serve", "--state", "state"][..],
        &["serve", "--state", "state", "--check"],
        &["scan", "logs", "--state", "state"],
        &["learn", "logs", "--state", "state"],
    ] {
        sandbox.run(args).expect(0, 2).says("state.journal").says("damaged at byte 34");
        assert_eq!(fs::read(&journal).unwrap(), damaged);
    }
    // The end that was being written is another matter.
    fs::write(&journal, &whole[..whole.len() - 3]).unwrap();
    let args = [&UNSAVED[..], &["--out", "findings"]].concat();
    let mut service = Service::start(&sandbox, &args);
    service.logged("the end of the journal");
}
