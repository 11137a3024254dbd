//! The steps of writing down what must not be lost, named, so that a test can end the process at each.

/// Does nothing in a program.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn step(_: &str) {}

/// The environment variable that names the step at which a test's process is killed, and after a colon
/// the how manieth time, from 1.
#[cfg(test)]
pub(crate) const KILL_AT: &str = "ORGWATCH_TEST_KILL_AT";

/// Kills the process as `kill -9` does, at the step that a test named.
#[cfg(test)]
pub(crate) fn step(name: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static SEEN: AtomicU32 = AtomicU32::new(0);
    let Ok(at) = std::env::var(KILL_AT) else { return };
    let (at, nth) = at.split_once(':').unwrap_or((&at, "1"));
    if at == name && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == nth.parse::<u32>().unwrap() {
        let pid = std::process::id().to_string();
        std::process::Command::new("kill").args(["-s", "KILL", &pid]).status().unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}
