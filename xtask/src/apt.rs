//! Debian packages, where the machine lets us install them without asking anybody.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::output;

/// Installs packages as root or through a sudo that needs no password.
pub fn install(packages: &[&str]) -> Result<()> {
    eprintln!("    installing Debian packages: {}", packages.join(" "));
    // Of the lists that are to be updated, one of a third party may be broken: the packages may
    // still be found, so only their installation counts.
    let updated = output(apt_get()?.arg("update"));
    output(apt_get()?.args(["install", "-y", "--no-install-recommends"]).args(packages))
        .with_context(|| match updated {
            Ok(_) => "apt-get install failed".to_owned(),
            Err(error) => format!("apt-get update failed too ({error:#})"),
        })?;
    Ok(())
}

/// A command that runs a program as root: directly, or through a sudo that needs no password.
pub fn as_root(program: &str) -> Result<Command> {
    let root = output(Command::new("id").arg("-u"))? == "0";
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command.arg(program);
    Ok(command)
}

fn apt_get() -> Result<Command> {
    // Wait for another apt instead of failing beside it.
    let mut command = as_root("DEBIAN_FRONTEND=noninteractive")?;
    command.args(["apt-get", "-o", "DPkg::Lock::Timeout=120"]);
    Ok(command)
}
