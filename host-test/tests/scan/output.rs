//! Output, and exit codes.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::json;

use crate::util::{Sandbox, leaving};

#[test]
fn a_finding_names_its_artifact() {
    let sandbox = Sandbox::new();
    let ran = sandbox.scan_stdin(&["-"], leaving(1).to_string().as_bytes());
    let artifact = &ran.expect(1, 0).findings()[0]["artifact"];
    assert_eq!(artifact["version"], env!("CARGO_PKG_VERSION"));
    let digest = artifact["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
}

#[test]
fn severities_choose_what_is_printed_and_how_it_ends() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let severity = sandbox.scan(&["file"]).findings()[0]["severity"].as_str().unwrap().to_owned();
    sandbox.scan(&["file", "--fail-on", &severity]).expect(1, 1);
    sandbox.scan(&["file", "--fail-on", "informational"]).expect(1, 1);
    sandbox.scan(&["file", "--min-severity", &severity]).expect(1, 0);
    if severity != "critical" {
        sandbox.scan(&["file", "--fail-on", "critical"]).expect(1, 0);
        sandbox
            .scan(&["file", "--min-severity", "critical", "--fail-on", "low"])
            .expect(0, 1)
            .says("1 below critical not printed");
    }
}

/// A time that could not be read was reported nowhere.
#[test]
fn a_time_that_cannot_be_read_is_reported_in_the_finding_and_in_the_summary() {
    let sandbox = Sandbox::new();
    let mut event = leaving(1);
    event["eventTime"] = "June".into();
    sandbox.file("file", event.to_string());
    let ran = sandbox.scan(&["file"]);
    let ran = ran.expect(1, 0).says("without time    1 event that a rule names");
    assert_eq!(ran.findings()[0]["details"]["time"], "cannot be read: June");
    assert_eq!(ran.findings()[0].get("first_seen"), None);
}

#[test]
fn ocsf_is_one_detection_finding_a_line() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let ran = sandbox.scan(&["--format", "ocsf", "file"]);
    let event = &ran.expect(1, 0).findings()[0];
    assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(2004), &json!(200_401)));
    assert_eq!(event["metadata"]["version"], "1.8.0");
    assert_eq!(event["time"], 1_777_863_721_000_i64);
}

#[test]
fn text_escapes_what_an_attacker_chose() {
    let sandbox = Sandbox::new();
    let mut event = leaving(1);
    event["userAgent"] = "\u{1b}[2J\u{202e}agent".into();
    event["errorCode"] = "\u{9b}31mAccessDenied\r\nCRITICAL".into();
    sandbox.file("file", event.to_string());
    let ran = sandbox.scan(&["--format", "text", "--explain", "file"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("\\u{1b}[2J\\u{202e}agent"), "{ran:#?}");
    assert!(!ran.out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']), "{ran:#?}");
    let ran = sandbox.scan(&["--format", "text", "--color", "always", "file"]);
    assert!(ran.out.contains("\u{1b}["), "{ran:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::new();
    let lines: String = (0..20_000).map(|id| format!("{}\n", leaving(id))).collect();
    sandbox.file("file", lines);
    assert_eq!(code_after_a_line(&sandbox, &["file", "missing"]), 0);
}

/// The end of a scan whose reader goes away after a line.
fn code_after_a_line(sandbox: &Sandbox, args: &[&str]) -> i32 {
    let mut scan = sandbox.command();
    scan.arg("scan").args(args).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = scan.spawn().unwrap();
    let mut first = [0; 100];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    child.wait().unwrap().code().unwrap()
}

/// A gate that passes because of `| head -1` is none.
#[test]
fn a_reader_that_goes_away_does_not_change_the_result_of_fail_on() {
    let sandbox = Sandbox::new();
    let mut denied = leaving(0);
    denied["errorCode"] = "AccessDenied".into();
    let high: String = (0..20_000)
        .map(|id| {
            denied["eventID"] = format!("id-{id}").into();
            format!("{denied}\n")
        })
        .collect();
    sandbox.file("high", &high);
    sandbox.file("critical-last", format!("{high}{}\n", leaving(1)));
    sandbox.file("unreadable-last", format!("{high}nonsense\n"));
    let code = |file, least| code_after_a_line(&sandbox, &[file, "--fail-on", least]);
    // Before the reader went away, after it did, and never.
    assert_eq!(code("high", "high"), 1);
    assert_eq!(code("critical-last", "critical"), 1);
    assert_eq!(code("high", "critical"), 0);
    assert_eq!(code("unreadable-last", "critical"), 2);
    // Findings that were not delivered are not remembered.
    let args = ["critical-last", "--fail-on", "critical", "--state", "state"];
    assert_eq!(code_after_a_line(&sandbox, &args), 1);
    assert!(!sandbox.path("state").exists());
}

#[test]
fn findings_and_what_is_said_of_the_input_stand_in_one_order() {
    let sandbox = Sandbox::new();
    for (first, name) in [(0, "a"), (600, "b"), (1200, "c")] {
        let lines = (first..first + 600).map(|id| match id % 200 {
            7 => "nonsense\n".to_owned(),
            _ => format!("{}\n", leaving(id)),
        });
        sandbox.file(name, lines.collect::<String>());
    }
    let both = |threads: &str, format: &str| {
        let orgwatch = sandbox.command().get_program().to_string_lossy().into_owned();
        let args = format!("scan a b c missing --threads {threads} --format {format}");
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(sandbox.path("")).args(["-c", &format!("{orgwatch} {args} 2>&1")]);
        let text = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        assert!(text.contains("orgwatch: b:8: "), "{text}");
        // The summary says how long it took.
        text.lines().filter(|line| !line.contains("events/s")).collect::<Vec<_>>().join("\n")
    };
    for format in ["json", "text"] {
        assert_eq!(both("1", format), both("3", format));
    }
}

#[test]
fn findings_are_not_written_to_a_standard_output_that_is_closed() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let run = |redirection: &str| {
        let mut shell = sandbox.command();
        let orgwatch = shell.get_program().to_string_lossy().into_owned();
        shell = std::process::Command::new("sh");
        shell.current_dir(sandbox.path(""));
        shell.args(["-c", &format!("{orgwatch} scan file --state state {redirection}")]);
        crate::util::Ran::from(shell.output().unwrap())
    };
    run(">&-").expect(0, 2).says("standard output is closed");
    assert!(!sandbox.path("state").exists());
    run("> /dev/null").expect(0, 0);
    assert!(sandbox.path("state").exists());
}

#[test]
fn what_a_run_writes_is_not_read() {
    let sandbox = Sandbox::new();
    sandbox.file("logs/a", leaving(1).to_string());
    sandbox.file("logs/state.old", leaving(2).to_string());
    let run = |args: &[&str], threads: &str| {
        let out = std::fs::File::create(sandbox.path("logs/z")).unwrap();
        let mut scan = sandbox.command();
        scan.arg("scan").args(args).args(["--threads", threads, "--state", "logs/state"]);
        scan.args(["--report", "logs/page.html"]);
        let ran = crate::util::Ran::from(scan.stdout(out).output().unwrap());
        (ran, std::fs::read_to_string(sandbox.path("logs/z")).unwrap().lines().count())
    };
    for threads in ["1", "2"] {
        for (time, findings) in [(1, 2), (2, 0)] {
            let (ran, lines) = run(&["logs"], threads);
            assert_eq!((ran.code, lines), (0, findings), "run {time}: {ran:#?}");
            ran.says("2 events in 2 files").says("not CloudTrail  0");
        }
        std::fs::remove_file(sandbox.path("logs/state")).unwrap();
    }
    // One that was asked for and is not read is an error.
    let (ran, _) = run(&["logs/a", "logs/z"], "2");
    assert_eq!(ran.code, 2);
    ran.says("logs/z: not read: this run writes it");
    sandbox.file("learned/a", leaving(1).to_string());
    for _ in 0..2 {
        let learned = sandbox.run(&["learn", "learned", "--state", "learned/state"]);
        learned.expect(0, 0).says("1 event in 1 file");
    }
}
