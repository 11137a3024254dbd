//! Start, reload, stop.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::serve::downstream::{Does, Downstream};
use crate::serve::service::{Service, lines, until};
use crate::util::{Sandbox, leaving};

#[test]
fn a_stop_finishes_what_is_in_flight_and_saves() {
    for signal in ["TERM", "INT"] {
        let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
        let args = ["--state", "state", "--save-interval", "1h"];
        let mut service = Service::annotating(&sandbox, &downstream, &args);
        downstream.will(&[Does::Waits(Duration::from_secs(1))]);
        thread::scope(|scope| {
            let post = scope.spawn(|| service.post(leaving(1).to_string()).status);
            until(|| downstream.seen() == 1);
            service.signal(signal);
            assert_eq!(post.join().unwrap(), 200);
        });
        assert_eq!(service.wait().code(), Some(0));
        // Nobody listens there any more, and nothing was forgotten.
        assert!(service.try_send("GET", "/health", &[], b"").is_none());
        let service = Service::annotating(&sandbox, &downstream, &args);
        service.post(leaving(1).to_string()).expect(200);
        assert_eq!(downstream.ids().len(), 1);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let mut service = Service::annotating(&sandbox, &downstream, &["--state", "state"]);
    downstream.will(&[Does::Waits(Duration::from_secs(600))]);
    thread::scope(|scope| {
        scope.spawn(|| {
            service.try_send(
                "POST",
                "/",
                &[("content-type", "application/json")],
                leaving(1).to_string().as_bytes(),
            )
        });
        until(|| downstream.seen() == 1);
        service.signal("TERM");
        until(|| service.log_has("stopping"));
        service.signal("TERM");
    });
    assert_eq!(service.wait().code(), Some(0));
    // It was not delivered, and is known not to be.
    let service = Service::annotating(&sandbox, &downstream, &["--state", "state"]);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}

#[test]
fn settings_are_reloaded_without_losing_the_memory() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    sandbox.file("settings.yaml", "organization: o-first00000\n");
    let mut service = Service::annotating(&sandbox, &downstream, &["--settings", "settings.yaml"]);
    service.post(leaving(1).to_string()).expect(200);
    downstream.will(&[Does::Answers(500)]);
    service.post(leaving(2).to_string()).expect_retry();

    sandbox.file(
        "settings.yaml",
        "organization: o-second0000\nrules: {member-left-organization: dry-run}\n",
    );
    service.signal("HUP");
    service.logged("settings reloaded");
    // Delivered findings stay delivered, pending ones pending, and the rest is by the new settings.
    service.post(lines(&[leaving(1), leaving(2), leaving(3)])).expect(200);
    let events = downstream.events();
    assert_eq!(events[0]["orgwatch"][0]["organization"], "o-first00000");
    assert_eq!(events[1].get("orgwatch"), None);
    for event in &events[2..] {
        assert_eq!(event["orgwatch"][0]["organization"], "o-second0000");
        assert_eq!(event["orgwatch"][0]["status"], "dry-run");
    }

    // Refused ones change nothing.
    for (settings, problem) in [
        ("late: soon\n", "settings.yaml:1: late"),
        (
            "organization: o-third00000\norganization: o-x\n",
            "settings.yaml:2: organization is there already",
        ),
    ] {
        sandbox.file("settings.yaml", settings);
        service.signal("HUP");
        until(|| service.log_has(problem));
    }
    assert_eq!(service.metric("orgwatch_settings_reloads_total{outcome=\"refused\"}"), 2.0);
    service.post(leaving(4).to_string()).expect(200);
    let last = downstream.events().pop().unwrap();
    assert_eq!(last["orgwatch"][0]["organization"], "o-second0000");
}

/// Reloads in the middle of a stream: every event comes out, every finding comes once.
#[test]
fn a_reload_loses_no_event() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    sandbox.file("settings.yaml", "");
    let service = Service::annotating(&sandbox, &downstream, &["--settings", "settings.yaml"]);
    thread::scope(|scope| {
        let posts = scope.spawn(|| {
            for id in 0..200 {
                service.post(leaving(id).to_string()).expect(200);
            }
        });
        while !posts.is_finished() {
            service.signal("HUP");
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(downstream.events().len(), 200);
    assert_eq!(downstream.ids().len(), 200);
    assert!(service.metric("orgwatch_settings_reloads_total{outcome=\"ok\"}") > 0.0);
}

#[test]
fn what_was_learned_does_not_come_again() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    sandbox.file("logs", leaving(1).to_string());
    sandbox.run(&["learn", "logs", "--state", "state"]).expect(0, 0);
    let service = Service::annotating(&sandbox, &downstream, &["--state", "state"]);
    service.post(lines(&[leaving(1), leaving(2)])).expect(200);
    assert_eq!(downstream.ids().len(), 1);
    assert_eq!(service.stop().code(), Some(0));
    // And the other way round.
    sandbox.file("both", lines(&[leaving(1), leaving(2), leaving(3)]));
    sandbox.scan(&["both", "--state", "state"]).expect(1, 0);
}

/// Pending findings of a service survive other commands that use its state.
#[test]
fn learning_into_a_state_keeps_pending_findings() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &["--state", "state"]);
    downstream.will(&[Does::Answers(500)]);
    service.post(leaving(1).to_string()).expect_retry();
    assert_eq!(service.stop().code(), Some(0));
    sandbox.file("logs", leaving(2).to_string());
    sandbox.run(&["learn", "logs", "--state", "state"]).expect(0, 0);
    let service = Service::annotating(&sandbox, &downstream, &["--state", "state"]);
    service.post(lines(&[leaving(1), leaving(2)])).expect(200);
    let events = downstream.events();
    assert!(events[0].get("orgwatch").is_some() && events[1].get("orgwatch").is_none());
}

#[test]
fn a_state_that_cannot_be_used_is_left_alone() {
    let sandbox = Sandbox::new();
    let (_, state) = (sandbox.file("logs", leaving(1).to_string()), sandbox.path("state"));
    sandbox.run(&["learn", "logs", "--state", "state"]).expect(0, 0);
    let mut damaged = fs::read(&state).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&state, &damaged).unwrap();
    for args in [&["serve", "--state", "state"][..], &["serve", "--state", "state", "--check"]] {
        sandbox.run(args).expect(0, 2).says("cannot use the state state").says("damaged");
        assert_eq!(fs::read(&state).unwrap(), damaged);
    }
    fs::remove_file(&state).unwrap();
    let _service = Service::start(&sandbox, &["--state", "state"]);
    sandbox.run(&["serve", "--state", "state"]).expect(0, 2).says("another orgwatch is using");
}
