//! The browser in which the reports are looked at.

use std::env;

use anyhow::Result;

use crate::apt;
use crate::needs::{self, CHROMIUM, on_path};
use crate::steps::Steps;
use crate::workspace::Workspace;

/// Debian's, and a font, which it does not depend on.
pub const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// The path of Debian's Chromium.
pub const PROGRAM: &str = "/usr/bin/chromium";

/// Shows the reports in a browser, which it installs. If there was one, `needs` has run these tests.
pub fn test(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    if env::var_os("CHROMIUM").is_some() || on_path(&CHROMIUM) {
        return Ok(());
    }
    if let Err(error) = apt::install(&PACKAGES) {
        let why = format!("no browser, and none can be installed: {error:#}");
        steps.skip("reports in a browser", &why);
        return Ok(());
    }
    steps.command(
        "reports in a browser",
        needs::tests(workspace, &["report::shown::"]).env("CHROMIUM", PROGRAM),
    )
}
