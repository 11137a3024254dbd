//! The browser in which the reports are looked at.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::apt;
use crate::build::cargo;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// What `host-test/tests/report` looks for on `PATH`.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// Debian's, and a font, which it does not depend on.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Where Debian puts it.
const PROGRAM: &str = "/usr/bin/chromium";

/// Looks at the reports in a browser, which it installs. Where there was one, the usual tests have
/// done so.
pub fn test(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    if let Err(error) = apt::install(&PACKAGES) {
        let why = format!("no browser, and none can be installed: {error:#}");
        steps.skip("reports in a browser", &why);
        return Ok(());
    }
    steps.command(
        "reports in a browser",
        cargo(workspace, "test").args(["--workspace", "--test", "report"]).env("CHROMIUM", PROGRAM),
    )
}

fn is_there() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    env::var_os("CHROMIUM").is_some()
        || folders.iter().any(|folder| NAMES.iter().any(|name| folder.join(name).is_file()))
}
