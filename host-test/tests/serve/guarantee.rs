//! 200 only after downstream's 200; nothing lost, and no finding given twice.

use std::thread;
use std::time::Duration;

use crate::serve::downstream::{Does, Downstream};
use crate::serve::service::{Service, lines, until};
use crate::util::{Sandbox, leaving, quiet};

/// Everything that is no 200.
const FAILURES: &[Does] = &[
    Does::Answers(500),
    Does::Answers(503),
    Does::Answers(400),
    Does::Answers(413),
    Does::Answers(201),
    Does::Answers(302),
    Does::Closes,
    Does::ClosesEarly,
    Does::BreaksOff,
];

#[test]
fn what_fails_downstream_is_sent_again_and_gives_its_findings_again() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    for service in [
        Service::annotating(&sandbox, &downstream, &[]),
        Service::tapping(&sandbox, &downstream, &[]),
    ] {
        for (id, does) in (1..).zip(FAILURES) {
            let before = downstream.ids().len();
            let batch = lines(&[quiet(1000 + id), leaving(id)]);
            // Twice: a finding that failed twice is pending all the same.
            downstream.will(&[*does, *does]);
            service.post(&batch).expect_retry();
            service.post(&batch).expect_retry();
            assert_eq!(downstream.ids().len(), before, "{does:?}");
            service.post(&batch).expect(200);
            assert_eq!(downstream.ids().len(), before + 1, "{does:?}");
            // Delivered now.
            service.post(&batch).expect(200);
            assert_eq!(downstream.ids().len(), before + 1, "{does:?}");
        }
        let failed = service.metric("orgwatch_forward_failures_total{reason=\"answered-4xx\"}");
        assert_eq!(failed, 4.0);
        assert_eq!(service.metric("orgwatch_findings_pending"), 0.0);
    }
}

#[test]
fn no_downstream_at_all_loses_nothing() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--forward", "http://127.0.0.1:1/"]);
    let answer = service.post(leaving(1).to_string());
    assert!(answer.expect_retry().text.contains("cannot be reached"), "{}", answer.text);
    assert_eq!(service.metric("orgwatch_findings_pending"), 1.0);
}

#[test]
fn who_does_not_answer_in_time_has_not_taken_it() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let mut service = Service::annotating(&sandbox, &downstream, &["--timeout", "500ms"]);
    downstream.will(&[Does::Waits(Duration::from_secs(3))]);
    service.post(leaving(1).to_string()).expect_retry();
    service.logged("downstream gave no answer in time");
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}

#[test]
fn one_who_answers_slowly_is_waited_for() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    downstream.will(&[Does::Waits(Duration::from_secs(1))]);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}

/// S3 delivers an object twice now and then.
#[test]
fn an_event_that_is_there_twice_gives_its_finding_once() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    service.post(lines(&[leaving(1), leaving(2), leaving(1)])).expect(200);
    assert_eq!(downstream.events().len(), 3);
    assert_eq!(downstream.ids().len(), 2);
}

/// A sender that gives up and sends again while the first is still on its way.
#[test]
fn the_same_batch_twice_at_once_gives_its_findings_once() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    for (id, first) in [(1, Does::Waits(Duration::from_secs(1))), (2, Does::Answers(500))] {
        downstream.will(&[first]);
        let before = downstream.ids().len();
        thread::scope(|scope| {
            let posts: Vec<_> =
                (0..4).map(|_| scope.spawn(|| service.post(leaving(id).to_string()))).collect();
            let answers = posts.into_iter().map(|post| post.join().unwrap().status);
            assert!(answers.filter(|status| *status == 200).count() >= 3);
        });
        assert_eq!(downstream.ids().len(), before + 1);
    }
}

#[test]
fn a_sender_that_goes_away_does_not_undo_what_is_on_its_way() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    downstream.will(&[Does::Waits(Duration::from_secs(1))]);
    {
        let body = leaving(1).to_string();
        let _sender = service.begin(body.len(), &body);
        until(|| downstream.seen() == 1);
    }
    until(|| service.metric("orgwatch_findings_pending") == 0.0);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}

#[test]
fn delivered_and_pending_findings_outlive_a_stop_and_a_kill() {
    for kill in [false, true] {
        let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
        let args = ["--state", "state", "--save-interval", "100ms"];
        let service = Service::annotating(&sandbox, &downstream, &args);
        service.post(leaving(1).to_string()).expect(200);
        downstream.will(&[Does::Answers(500)]);
        service.post(leaving(2).to_string()).expect_retry();
        if kill {
            let saved = service.metric("orgwatch_state_saves_total{outcome=\"ok\"}");
            until(|| service.metric("orgwatch_state_saves_total{outcome=\"ok\"}") > saved);
            // At least one has begun since.
            let state = std::fs::read(sandbox.path("state")).unwrap();
            assert!(memchr::memmem::find(&state, b"undelivered").is_some());
            service.kill();
        } else {
            assert_eq!(service.stop().code(), Some(0));
        }
        let service = Service::annotating(&sandbox, &downstream, &args);
        assert_eq!(service.metric("orgwatch_findings_pending"), 1.0, "{kill}");
        service.post(lines(&[leaving(1), leaving(2)])).expect(200);
        service.post(lines(&[leaving(1), leaving(2)])).expect(200);
        let ids = downstream.ids();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
        drop(service);
    }
}

/// Killed before anything was saved: what was not acknowledged is delivered.
#[test]
fn a_crash_before_anything_was_saved_loses_no_finding() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let args = ["--state", "state", "--save-interval", "1h"];
    let service = Service::annotating(&sandbox, &downstream, &args);
    downstream.will(&[Does::Answers(500)]);
    service.post(leaving(1).to_string()).expect_retry();
    service.kill();
    let service = Service::annotating(&sandbox, &downstream, &args);
    service.post(leaving(1).to_string()).expect(200);
    assert_eq!(downstream.ids().len(), 1);
}
