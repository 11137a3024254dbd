//! The component, ready to use.

use std::path::Path;

use anyhow::Context as _;
use orgwatch_host::plugin::{Artifact, CacheDir, Options, Plugin};

use super::say;

/// Loads the component that is named, or the one that comes with this program.
pub(super) fn load(file: Option<&Path>) -> anyhow::Result<Plugin> {
    load_with(file, &options())
}

/// The same on this thread alone: a service has as many threads on a large machine as on a small one.
pub(super) fn load_alone(file: Option<&Path>) -> anyhow::Result<Plugin> {
    load_with(file, &Options { parallel_compilation: false, ..options() })
}

fn load_with(file: Option<&Path>, options: &Options) -> anyhow::Result<Plugin> {
    let artifact = Artifact::find(file)?;
    Plugin::load(artifact.bytes(), options)
        .with_context(|| format!("cannot use {}", artifact.origin()))
}

/// A guest's limits are the defaults; its code is kept, where that is safe.
pub(super) fn options() -> Options {
    let cache = match CacheDir::find() {
        Ok(dir) => Some(dir),
        Err(err) => {
            let err = anyhow::Error::from(err);
            say(&format!("compiled code is not kept, which makes every start slower: {err:#}"));
            None
        }
    };
    Options { cache, ..Options::default() }
}
