//! `orgwatch scan`, interrupted at one moment after the other.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::scan::write_events;

/// The longest that a scan may go on after the signal.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Moments of a run, at which it is interrupted in turn.
const MOMENTS: u32 = 16;

const EVENTS: u64 = 100_000;

/// The exit code of a scan that comes to its end, since some of the events are no JSON.
const UNREADABLE: i32 = 2;

/// Interrupts it, and after each time looks at the report and the state: the old bytes, or all of the new ones.
pub fn run(command: &Path, folder: &Path, time: Duration) -> Result<String> {
    let file = folder.join("events.ndjson");
    write_events(&file, EVENTS)?;
    let (report, state) = (folder.join("report.html"), folder.join("scan.state"));
    let paths = [file.as_path(), &report, &state];
    let begun = Instant::now();
    let status = start(command, paths)?.wait()?;
    ensure!(status.code() == Some(UNREADABLE), "a scan that nobody interrupts ends with {status}");
    let whole_run = begun.elapsed();
    let old_state = fs::read(&state)?;

    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    let (mut runs, mut ended, mut writing) = (0, 0, 0);
    while runs < 2 * MOMENTS || begun.elapsed() < time {
        let signal = ["INT", "TERM"][(runs % 2) as usize];
        let with_old = runs % 4 < 2;
        for (path, bytes) in [(&report, &b"old"[..]), (&state, &old_state)] {
            if with_old {
                fs::write(path, bytes)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        let mut scan;
        let moment = runs / 2 % MOMENTS;
        if moment % 4 == 3 {
            // The moment in which it writes one of the two, which is short.
            let new = [&report, &state][(moment / 4 % 2) as usize].with_added_extension("new");
            // A killed run may have left one, for the next to replace.
            let _ = fs::remove_file(&new);
            scan = start(command, paths)?;
            while !new.exists() && scan.try_wait()?.is_none() {
                thread::sleep(Duration::from_micros(100));
            }
            writing += u32::from(new.exists());
        } else {
            scan = start(command, paths)?;
            thread::sleep(whole_run * (moment + 1) / MOMENTS);
        }
        // Where it is done already there is nobody to tell.
        let _ = Command::new("kill").args(["-s", signal, &scan.id().to_string()]).status()?;
        let (status, took) = wait(&mut scan)?;
        longest = longest.max(took);
        ended += u32::from(status.signal().is_some());
        let done = status.code() == Some(UNREADABLE);
        ensure!(status.signal().is_some() || done, "SIG{signal}: {status}");
        match fs::read(&report) {
            Ok(page) if page.trim_ascii_end().ends_with(b"</html>") => {}
            Ok(page) => ensure!(with_old && page == b"old", "SIG{signal}: half a report"),
            Err(_) => ensure!(!with_old, "SIG{signal}: the report is gone"),
        }
        ensure!(state.exists() || !with_old, "SIG{signal}: the state is gone");
        // One that is not whole is refused.
        let mut none = Command::new(command);
        none.args(["scan", "--quiet", "--state"]).arg(&state).arg("-").stdin(Stdio::null());
        let taken = none.output()?;
        let why = String::from_utf8_lossy(&taken.stderr);
        ensure!(taken.status.success(), "SIG{signal}: the state is not taken: {why}");
        runs += 1;
    }
    ensure!(ended > MOMENTS, "only {ended} of {runs} were interrupted in the middle");
    Ok(format!(
        "{runs} times by SIGINT and SIGTERM, {ended} in the middle, {writing} as it wrote a file; out in {:.2} s at most; no half file",
        longest.as_secs_f64()
    ))
}

/// Starts it so that SIGINT ends it also where this program ignores the signal, as in the background.
fn start(command: &Path, [events, report, state]: [&Path; 3]) -> Result<Child> {
    let mut scan = Command::new("env");
    scan.arg("--default-signal=INT").arg(command).args(["scan", "--format", "json", "--report"]);
    scan.arg(report).arg("--state").arg(state).arg(events);
    let scan = scan.stdout(Stdio::null()).stderr(Stdio::null());
    scan.spawn().with_context(|| format!("cannot start {}", command.display()))
}

fn wait(scan: &mut Child) -> Result<(ExitStatus, Duration)> {
    let begun = Instant::now();
    while begun.elapsed() < LONGEST_END {
        if let Some(status) = scan.try_wait()? {
            return Ok((status, begun.elapsed()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    scan.kill()?;
    scan.wait()?;
    bail!("a scan goes on after the signal")
}
