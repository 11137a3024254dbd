//! Progress on a terminal, and an interrupted scan.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::util::{Sandbox, leaving, quiet};

/// Runs it on a terminal of `script`.
fn on_a_terminal(sandbox: &Sandbox, command: &str) -> String {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", command, "/dev/null"]);
    script.current_dir(sandbox.path("")).stdin(Stdio::null()).env("TERM", "xterm");
    script.env("ORGWATCH_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    let output = script.output().expect("script(1) gives a terminal");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs script(1) of util-linux"]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let sandbox = Sandbox::new();
    sandbox.file("file", format!("{}\n", leaving(1)));
    // A pipe that stays open longer than it takes until something is shown.
    let orgwatch = env!("CARGO_BIN_EXE_orgwatch");
    let slow = |args: &str| format!("(cat file; sleep 1) | {orgwatch} scan - {args}");
    let shown = on_a_terminal(&sandbox, &slow(""));
    assert!(shown.contains("1 file, "), "{shown:?}");
    // It is wiped away again: what is left is the finding and the summary.
    let last = shown.rfind("\u{1b}[2K").expect("a line that is wiped");
    assert!(shown[last..].contains("1 event in 1 file"), "{shown:?}");
    assert!(shown.contains("member-left-organization"), "{shown:?}");
    for quiet in [slow("--quiet"), slow("2> /dev/null")] {
        let shown = on_a_terminal(&sandbox, &quiet);
        assert!(!shown.contains("1 file, "), "{shown:?}");
    }
    sandbox.scan(&["file"]).expect(1, 0);
    assert!(!sandbox.scan(&["file"]).err.contains('\u{1b}'));
}

#[test]
fn an_interrupted_scan_leaves_nothing_half_written() {
    use std::os::unix::process::ExitStatusExt as _;
    let sandbox = Sandbox::new();
    sandbox.file("before", leaving(1).to_string());
    sandbox.scan(&["before", "--state", "state"]).expect(1, 0);
    let before = fs::read(sandbox.path("state")).unwrap();
    let names = |sandbox: &Sandbox| {
        let entries = fs::read_dir(sandbox.path("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let there = names(&sandbox);
    for threads in ["1", "2"] {
        let mut child = sandbox.scan_live(&["-", "--state", "state", "--threads", threads]);
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}\n{}", quiet(2), leaving(3)).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.ends_with("}\n"), "{line:?}");
        // It waits for more, as long as the pipe is open.
        // Not -INT, which means the same here: a process that is started in the background ignores it.
        let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(15), "{status}");
        drop(stdin);
        assert_eq!(fs::read(sandbox.path("state")).unwrap(), before);
        assert_eq!(names(&sandbox), there);
        // The next run can use it.
        sandbox.file("after", leaving(3).to_string());
        sandbox.scan(&["after", "--threads", threads]).expect(1, 0);
        fs::remove_file(sandbox.path("after")).unwrap();
    }
}
