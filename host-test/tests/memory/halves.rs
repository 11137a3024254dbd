//! Memory from the first half of a stream is used in the second.

use std::fs;

use serde_json::Value;

use crate::support;
use crate::util::{Sandbox, leaving, quiet};

/// The incident, and every record of every case in the order of their times.
fn streams() -> Vec<(&'static str, Vec<String>)> {
    let incident = fs::read_to_string(support::root().join("samples/incident.ndjson")).unwrap();
    let incident = incident.lines().map(str::to_owned).collect();
    let mut cases = support::case_records();
    assert!(cases.len() > 300, "the cases are there");
    cases.sort_by_key(|record| record["eventTime"].as_str().unwrap_or_default().to_owned());
    vec![("incident", incident), ("cases", cases.iter().map(Value::to_string).collect())]
}

/// Findings without their status: what was learned alerted nobody, so that it makes no follow-ups.
fn without_status(text: &str) -> Vec<Value> {
    let without = |line: &str| {
        let mut finding: Value = serde_json::from_str(line).unwrap();
        let keys = finding.as_object_mut().unwrap();
        keys.remove("status");
        keys.remove("status_reason");
        finding
    };
    text.lines().map(without).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The findings of a stream, apart from a warning on standard error or the exit code of records that
/// are broken on purpose.
fn found(sandbox: &Sandbox, args: &[&str]) -> String {
    let ran = sandbox.scan(args);
    assert!(ran.code == 0 || ran.err.contains("unreadable"), "{ran:#?}");
    ran.out
}

#[test]
fn learning_one_half_finds_in_the_other_what_one_pass_does() {
    let sandbox = Sandbox::new();
    for (name, stream) in streams() {
        let all = sandbox.file("all.ndjson", stream.join("\n"));
        let one_pass = found(&sandbox, &[&all.to_string_lossy()]);
        for tenths in [1, 3, 5, 7, 9] {
            let (first, second) = stream.split_at(stream.len() * tenths / 10);
            sandbox.file("first.ndjson", first.join("\n"));
            sandbox.file("second.ndjson", second.join("\n"));
            let before = found(&sandbox, &["first.ndjson"]);
            let expected = one_pass.strip_prefix(&before).expect("a stream is read in order");

            let state = format!("{name}-{tenths}.state");
            let learned = sandbox.run(&["learn", "first.ndjson", "--state", &state]);
            assert_eq!(learned.out, "", "learning prints no finding");
            learned.says("starting empty").says("remembered");
            let after = found(&sandbox, &["second.ndjson", "--state", &state]);
            let (after_it, expected) = (without_status(&after), without_status(expected));
            assert_eq!(after_it, expected, "{name}, {tenths} tenths learned");
            assert!(after.is_empty() || after.contains(r#""status":"new""#), "{name}: it alerts");
            assert!(tenths != 5 || !after.is_empty(), "{name}: something is found");

            // All of it was given, so none of it comes again.
            let again = sandbox.scan(&["all.ndjson", "--state", &state]);
            assert_eq!(again.out, "", "{name}, {tenths} tenths learned");
        }
    }
}

#[test]
fn runs_that_follow_each_other_find_what_one_run_does() {
    let sandbox = Sandbox::new();
    let (_, stream) = streams().remove(0);
    sandbox.file("all.ndjson", stream.join("\n"));
    let one_pass = found(&sandbox, &["all.ndjson"]);
    let mut parts = String::new();
    for part in stream.chunks(stream.len() / 6) {
        sandbox.file("part.ndjson", part.join("\n"));
        parts += &found(&sandbox, &["part.ndjson", "--state", "state", "--quiet"]);
    }
    assert_eq!(lines(&parts), lines(&one_pass));
}

/// Files come in the order of their names: an exit is found before the handshake it followed. A bound to
/// how late it may be let what was forgotten depend on the order.
#[test]
fn what_comes_late_completes_a_chain_whatever_the_settings_say() {
    let sandbox = Sandbox::new();
    let (_, mut stream) = streams().remove(0);
    let mut much_later = leaving(1);
    much_later["eventTime"] = "2027-06-01T00:00:00Z".into();
    much_later["recipientAccountId"] = "444455556666".into();
    stream.reverse();
    sandbox.file("a.ndjson", much_later.to_string());
    sandbox.file("b.ndjson", stream.join("\n"));
    sandbox.file("strict.yaml", "late: 2h\n");
    let chains =
        |args: &[&str]| found(&sandbox, args).matches("\"rule\":\"power-then-exit\"").count();
    let all = chains(&["a.ndjson", "b.ndjson"]);
    assert!(all > 0);
    assert_eq!(chains(&["a.ndjson", "b.ndjson", "--settings", "strict.yaml"]), all);
}

#[test]
fn what_was_found_before_does_not_come_again() {
    let sandbox = Sandbox::new();
    sandbox.file("one", leaving(1).to_string());
    sandbox.file("both", format!("{}\n{}\n{}", leaving(1), quiet(2), leaving(3)));
    let scan = |file: &str, code| {
        let ran = sandbox.scan(&[file, "--state", "state", "--fail-on", "critical"]);
        assert_eq!(ran.code, code, "{ran:#?}");
        ran
    };
    // Saved also when the code is 1.
    scan("one", 1).expect(1, 1).says("orgwatch: no state state yet: starting empty");
    scan("one", 0).expect(0, 0).says("1 duplicate");
    scan("both", 1).expect(1, 1);
    scan("both", 0).expect(0, 0);
    // And when something could not be read, once the rest was.
    sandbox.file("new", format!("{}\nnonsense", leaving(4)));
    scan("new", 2).expect(1, 2);
    scan("new", 2).expect(0, 2);
}

#[test]
fn learning_twice_is_learning_once() {
    let sandbox = Sandbox::new();
    sandbox.file("logs/one", leaving(1).to_string());
    let learn = || sandbox.run(&["learn", "logs", "--state", "state"]).expect(0, 0).err.clone();
    learn();
    let state = fs::read(sandbox.path("state")).unwrap();
    let said = learn();
    assert!(said.contains("remembered      1 findings"), "{said}");
    assert_eq!(fs::read(sandbox.path("state")).unwrap(), state);
    assert_eq!(sandbox.run(&["learn", "--quiet", "logs", "--state", "state"]).expect(0, 0).err, "");
}
