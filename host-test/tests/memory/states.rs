//! State files: damaged, foreign, newer, in use, and cut short while they are written.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::util::{Ran, Sandbox, leaving};

#[test]
fn a_state_that_is_none_is_refused_by_name_and_left_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.file("logs", leaving(1).to_string());
    sandbox.run(&["learn", "logs", "--state", "good"]).expect(0, 0);
    let good = fs::read(sandbox.path("good")).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    let mut newer = good.clone();
    // The version follows the 14 bytes of the name.
    newer[14..16].copy_from_slice(&u16::MAX.to_le_bytes());
    for (name, state, reason) in [
        ("damaged", damaged, "damaged"),
        ("cut", good[..good.len() - 1].to_vec(), "damaged"),
        ("foreign", b"{\"eventName\":\"LeaveOrganization\"}".to_vec(), "not a state of orgwatch"),
        ("empty", Vec::new(), "not a state of orgwatch"),
        ("newer", newer, "state format 65535 is newer than this orgwatch"),
    ] {
        sandbox.file(name, &state);
        for command in ["scan", "learn"] {
            let ran = sandbox.run(&[command, "logs", "--state", name]);
            ran.expect(0, 2)
                .says(&format!("orgwatch: cannot use the state {name}, which is left as it is: "))
                .says(reason);
            assert_eq!(fs::read(sandbox.path(name)).unwrap(), state, "{name}");
        }
    }
    fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.scan(&["logs", "--state", "folder"]).expect(0, 2).says("folder: not a file");
    sandbox.scan(&["logs", "--state", "no/such"]).expect(0, 2).says("no/such");
}

#[test]
fn a_run_that_is_given_up_saves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file("logs", leaving(1).to_string());
    sandbox.file("bad.yaml", "late: soon\n");
    sandbox.scan(&["logs", "--state", "state", "--settings", "bad.yaml"]).expect(0, 2);
    assert!(!sandbox.path("state").exists());
    // Findings that nobody read were not delivered: they come again.
    sandbox.file("many", many(0));
    let mut child = sandbox
        .command()
        .args(["scan", "many", "--state", "state"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!sandbox.path("state").exists());
}

#[test]
fn a_second_run_waits_its_turn() {
    let sandbox = Sandbox::new();
    sandbox.file("logs", leaving(1).to_string());
    let mut first = sandbox
        .command()
        .args(["scan", "-", "--state", "state"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until(|| sandbox.path("state.lock").exists());
    // The file is there a moment before the lock is.
    thread::sleep(Duration::from_millis(200));
    for command in ["scan", "learn"] {
        let ran = sandbox.run(&[command, "logs", "--state", "state"]);
        ran.expect(0, 2).says("another orgwatch is using the state state: run this again");
    }
    first.stdin.take().unwrap().write_all(leaving(2).to_string().as_bytes()).unwrap();
    Ran::from(first.wait_with_output().unwrap()).expect(1, 0);
    // Its turn has come, and nothing of the first run's is lost.
    sandbox.scan(&["logs", "--state", "state"]).expect(1, 0);
    sandbox.file("both", format!("{}\n{}", leaving(1), leaving(2)));
    sandbox.scan(&["both", "--state", "state"]).expect(0, 0);
}

/// Killed at any moment, most of all while it writes, it leaves the old state or the new one.
#[test]
fn a_kill_while_saving_leaves_a_whole_state() {
    let sandbox = Sandbox::new();
    sandbox.file("old", many(0));
    sandbox.run(&["learn", "old", "--state", "state"]).expect(0, 0);
    let old = fs::read(sandbox.path("state")).unwrap();
    fs::copy(sandbox.path("state"), sandbox.path("whole")).unwrap();
    sandbox.file("more", many(3000));
    sandbox.run(&["learn", "more", "--state", "whole"]).expect(0, 0);
    let new = fs::read(sandbox.path("whole")).unwrap();
    assert!(new.len() > old.len());

    let mut cut_short = 0;
    for round in 0..12 {
        fs::write(sandbox.path("state"), &old).unwrap();
        let mut child = sandbox
            .command()
            .args(["learn", "more", "--quiet", "--state", "state"])
            .spawn()
            .unwrap();
        let written = sandbox.path("state.new");
        until(|| written.exists() || child.try_wait().unwrap().is_some());
        // From at once to when it is likely done.
        thread::sleep(Duration::from_micros(round * 400));
        child.kill().unwrap();
        child.wait().unwrap();
        cut_short += u32::from(written.exists());

        let state = fs::read(sandbox.path("state")).unwrap();
        assert!(state == old || state == new, "round {round}: neither the old nor the new state");
        // The files of the killed run do not disturb the next one.
        sandbox.run(&["learn", "more", "--quiet", "--state", "state"]).expect(0, 0);
        assert_eq!(fs::read(sandbox.path("state")).unwrap(), new);
        assert!(!written.exists());
    }
    assert!(cut_short > 0, "no run was killed while it wrote");
}

/// Exits of many accounts.
fn many(from: u32) -> String {
    let event = |id: u32| {
        let mut event = leaving(id);
        event["recipientAccountId"] = format!("{id:012}").into();
        format!("{event}\n")
    };
    (from..from + 3000).map(event).collect()
}

#[track_caller]
fn until(done: impl FnMut() -> bool) {
    let mut done = done;
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never happened");
        thread::sleep(Duration::from_micros(50));
    }
}
