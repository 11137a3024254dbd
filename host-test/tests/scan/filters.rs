//! `--since`, `--until`, `--account`, `--threads`.

use crate::util::{Sandbox, gzip, leaving, quiet};

#[test]
fn events_outside_are_neither_examined_nor_remembered() {
    let sandbox = Sandbox::new();
    let mut other = leaving(2);
    other["recipientAccountId"] = "444455556666".into();
    let mut timeless = leaving(3);
    timeless["eventTime"] = "soon".into();
    sandbox.file("file", format!("{}\n{other}\n{timeless}\n{}\n", leaving(1), quiet(4)));
    let state = ["--state", "state"];
    let scan = |args: &[&str]| sandbox.scan(&[&["file"][..], &state, args].concat());
    // All that is left is what has no time that could be read.
    let ran = scan(&["--until", "2026-05-04"]);
    ran.expect(1, 0).says("filtered out    2 events that a rule names (2 not before --until)");
    // Nothing that was filtered out is remembered.
    let ran = scan(&["--since", "2026-05-04", "--account", "444455556666"]);
    ran.expect(1, 0).says("2 events that a rule names (2 not of --account)");
    let ran = scan(&["--since", "2026-05-04T03:02:01Z", "--until", "2026-05-04T05:02:02+02:00"]);
    ran.expect(1, 0).says("; 2 duplicates");
    assert_eq!(sandbox.scan(&["file"]).expect(3, 0).err.matches("filtered out").count(), 0);
}

#[test]
fn nothing_found_for_want_of_events_is_said() {
    let sandbox = Sandbox::new();
    let folder = "AWSLogs/o-h7k2m9x4qd/111122223333/CloudTrail/us-east-1/2026/05/04";
    let records = format!("{{\"Records\":[{},{}]}}", quiet(1), leaving(2));
    sandbox.file(&format!("{folder}/a.json.gz"), gzip(records.as_bytes()));
    let ran = sandbox.scan(&["AWSLogs", "--account", "012345678901"]);
    ran.expect(0, 0)
        .says("0 events in 0 files")
        .says("1 file by their folders (1 not of --account); nothing that a rule names is left");
    // The folder's day is that of the delivery: later is no reason, for a month.
    let ran = sandbox.scan(&["AWSLogs", "--until", "2026-05-01"]);
    ran.expect(0, 0).says("1 event that a rule names (1 not before --until)");
    sandbox
        .scan(&["AWSLogs", "--until", "2026-04-01"])
        .expect(0, 0)
        .says("1 file by their folders");
    sandbox.scan(&["AWSLogs", "--since", "2026-05-05"]).expect(0, 0).says("(1 before --since)");
    sandbox.scan(&["AWSLogs", "--since", "2026-05-04"]).expect(1, 0).says("by account");
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_the_mend() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let refused = |args: &[&str], hint: &str| {
        sandbox.scan(&[&["file"][..], args].concat()).expect(0, 2).says(hint);
    };
    refused(&["--since", "last week"], "give a date, 2026-05-04, or a time with its zone");
    refused(&["--until", "2026-05-04T12:00:00"], "or a time with its zone, 2026-05-04T12:00:00Z");
    refused(&["--account", "1234567890"], "an account's number has 12 digits");
    refused(&["--since", "2026-05-05", "--until", "2026-05-05"], "--until must be later");
    refused(&["--threads", "0"], "--threads");
}

#[test]
fn any_number_of_threads_prints_the_same() {
    let sandbox = Sandbox::new();
    for file in 0..300 {
        let lines: String = (0..20)
            .map(|line| match (file * 20 + line) % 37 {
                0 => format!("{}\n", leaving(file * 20 + line)),
                1 => "{\"eventName\":\"LeaveOrganization\",\n".to_owned(),
                _ => format!("{}\n", quiet(line)),
            })
            .collect();
        let name = format!("logs/{}/{file}", file % 7);
        let content = if file % 2 == 0 { gzip(lines.as_bytes()) } else { lines.into_bytes() };
        sandbox.file(&name, content);
    }
    let run = |threads: &str| {
        let ran = sandbox.scan(&["logs", "missing", "--threads", threads]);
        let lines = ran.err.lines().filter(|line| !line.starts_with("  time "));
        (ran.out.clone(), lines.map(str::to_owned).collect::<Vec<_>>(), ran.code)
    };
    let one = run("1");
    assert!(one.0.lines().count() > 100, "{one:?}");
    for threads in ["2", "8", "50"] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}
