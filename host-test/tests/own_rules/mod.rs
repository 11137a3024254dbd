//! A user's own rules, in every shape of orgwatch.

mod check;
mod refused;
mod routers;
mod shapes;

use std::path::PathBuf;

use crate::util::{Sandbox, leaving, quiet};

/// The slug of the starter's rule.
const SLUG: &str = "database-snapshot-shared";

/// A folder with `mine/`, as `orgwatch rules new` makes it.
fn starter() -> Sandbox {
    let sandbox = Sandbox::new();
    let made = sandbox.run(&["rules", "new", "mine"]);
    made.expect(5, 0);
    sandbox
}

/// Events on which the starter's rule and a built-in one fire, among others.
fn events(sandbox: &Sandbox) -> PathBuf {
    let read = |case: &str| {
        let path = format!("mine/cases/database-snapshot-shared/{case}/events.ndjson");
        std::fs::read_to_string(sandbox.path(&path)).unwrap()
    };
    let (fires, quiet_one) = (read("with-a-stranger"), read("with-our-backups"));
    let lines = format!("{}\n{fires}{}\n{quiet_one}", quiet(1), leaving(2));
    sandbox.file("events.ndjson", lines)
}

/// The same, one text for each.
fn lines(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(events(sandbox)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Rules and events for a router: those of the environment (`ORGWATCH_RULES`, a folder, and `ORGWATCH_EVENTS`, files
/// with an event a line), or else the starter's, of which an event comes while the router runs.
fn given() -> Given {
    if let Ok(rules) = std::env::var("ORGWATCH_RULES") {
        let files = std::env::var("ORGWATCH_EVENTS").expect("ORGWATCH_EVENTS, with ORGWATCH_RULES");
        let read = |file: &str| std::fs::read_to_string(file).unwrap();
        let lines = files.lines().map(read).collect::<String>();
        let lines = lines.lines().map(str::to_owned).collect();
        return Given { rules: rules.into(), lines, late: None, sandbox: None };
    }
    let sandbox = starter();
    let lines = lines(&sandbox);
    let late = lines[3].replace("7a02", "7a03");
    Given { rules: sandbox.path("mine"), lines, late: Some(late), sandbox: Some(sandbox) }
}

/// What [`given`] gives.
struct Given {
    rules: PathBuf,
    lines: Vec<String>,
    /// One more event, which comes later.
    late: Option<String>,
    /// The starter's; its rule fires.
    sandbox: Option<Sandbox>,
}
