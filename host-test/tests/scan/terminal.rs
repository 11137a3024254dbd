//! What is shown on a terminal, and what becomes of a scan that is interrupted.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::bench::{Bench, leaving, quiet};

/// Runs it on a terminal of `script`; none if there is no `script`.
fn on_a_terminal(bench: &Bench, command: &str) -> Option<String> {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", command, "/dev/null"]);
    script.current_dir(bench.path("")).stdin(Stdio::null()).env("TERM", "xterm");
    script.env("ORGWATCH_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    match script.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(err) => {
            println!("skipped: script(1) gives no terminal: {err}");
            None
        }
    }
}

#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let bench = Bench::new();
    bench.file("file", format!("{}\n", leaving(1)));
    // A pipe that stays open longer than it takes until something is shown.
    let orgwatch = env!("CARGO_BIN_EXE_orgwatch");
    let slow = |args: &str| format!("(cat file; sleep 1) | {orgwatch} scan - {args}");
    let Some(shown) = on_a_terminal(&bench, &slow("")) else { return };
    assert!(shown.contains("1 file, "), "{shown:?}");
    // It is wiped away again: what is left is the finding and the summary.
    let last = shown.rfind("\u{1b}[2K").expect("a line that is wiped");
    assert!(shown[last..].contains("1 event in 1 file"), "{shown:?}");
    assert!(shown.contains("member-left-organization"), "{shown:?}");
    for quiet in [slow("--quiet"), slow("2> /dev/null")] {
        let shown = on_a_terminal(&bench, &quiet).unwrap();
        assert!(!shown.contains("1 file, "), "{shown:?}");
    }
    bench.scan(&["file"]).expect(1, 0);
    assert!(!bench.scan(&["file"]).err.contains('\u{1b}'));
}

#[test]
fn an_interrupted_scan_leaves_nothing_half_written() {
    use std::os::unix::process::ExitStatusExt as _;
    let bench = Bench::new();
    bench.file("before", leaving(1).to_string());
    bench.scan(&["before", "--state", "state"]).expect(1, 0);
    let before = fs::read(bench.path("state")).unwrap();
    let names = |bench: &Bench| {
        let entries = fs::read_dir(bench.path("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let there = names(&bench);
    for threads in ["1", "2"] {
        let mut child = bench.scan_live(&["-", "--state", "state", "--threads", threads]);
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}\n{}", quiet(2), leaving(3)).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.ends_with("}\n"), "{line:?}");
        // It waits for more, as long as the pipe is open.
        // Not -INT, which means the same here: whoever is started in the background ignores it.
        let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(15), "{status}");
        drop(stdin);
        assert_eq!(fs::read(bench.path("state")).unwrap(), before);
        assert_eq!(names(&bench), there);
        // Whoever comes next can use it.
        bench.file("after", leaving(3).to_string());
        bench.scan(&["after", "--threads", threads]).expect(1, 0);
        fs::remove_file(bench.path("after")).unwrap();
    }
}
