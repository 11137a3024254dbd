//! Paths of the checkout and of the target folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The checkout that `cargo xtask` was started in.
pub struct Workspace {
    /// Its folder, absolute; also the current directory of everything that xtask runs.
    pub root: PathBuf,
    /// Cargo's target folder, absolute.
    pub target: PathBuf,
    /// The folder of the sources of dependencies, where it is known.
    pub cargo_home: Option<PathBuf>,
}

impl Workspace {
    /// Finds the checkout and makes it the current directory.
    pub fn find() -> Result<Self> {
        // Read when running, not when compiling: a checkout may move.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: run this as `cargo xtask`")?;
        let root =
            Path::new(&manifest).parent().context("xtask is not inside a workspace")?.to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(folder)?,
            None => root.join("target"),
        };
        env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))?;
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(usual_cargo_home);
        Ok(Self { root, target, cargo_home })
    }

    /// The `orgwatch` command.
    pub fn command(&self) -> PathBuf {
        self.target.join("release").join("orgwatch")
    }

    /// The code of the component, compiled ahead of time.
    pub fn code(&self) -> PathBuf {
        self.target.join("orgwatch-component.code")
    }

    /// The program that makes corpora and is timed in process.
    pub fn bench(&self) -> PathBuf {
        self.target.join("release").join("orgwatch-bench")
    }
}

fn usual_cargo_home() -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"))
}
