//! A disk in memory that is small, or that nobody can write to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

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

    /// As one turns that has errors: below a program that has files open on it. A remount of the disk
    /// itself would be refused then, so a view that is read-only is laid over it.
    pub fn read_only(&self) -> Result<()> {
        output(Command::new("mount").arg("--bind").arg(&self.0).arg(&self.0))?;
        self.again("remount,bind,ro")?;
        ensure!(fs::write(self.0.join("probe"), "").is_err(), "the disk still takes files");
        Ok(())
    }

    /// Takes the view away again.
    pub fn writable(&self) -> Result<()> {
        output(Command::new("umount").arg(&self.0)).map(drop)
    }

    fn again(&self, options: &str) -> Result<()> {
        output(Command::new("mount").args(["-o", options]).arg(&self.0)).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also what is laid over it.
        while output(Command::new("umount").arg("--lazy").arg(&self.0)).is_ok() {}
    }
}
