//! A disk in memory that is small, or that nobody can write to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::output;

/// Mounted until this is dropped.
pub struct Disk(PathBuf);

impl Disk {
    /// Room for a state of a few thousand events.
    pub fn small(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs"];
        output(Command::new("mount").args(options).arg(folder))?;
        Ok(Disk(folder.to_owned()))
    }

    pub fn grow(&self) -> Result<()> {
        self.again("remount,size=1g")
    }

    pub fn read_only(&self) -> Result<()> {
        self.again("remount,ro")
    }

    fn again(&self, options: &str) -> Result<()> {
        output(Command::new("mount").args(["-o", options]).arg(&self.0)).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = output(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}
