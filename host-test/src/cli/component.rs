//! The component, ready to use.

use std::path::Path;

use anyhow::{Context as _, bail};
use orgwatch_artifact::digest;
use orgwatch_host::plugin::{Artifact, ArtifactError, CacheDir, Error, Options, Plugin};

use super::limits::LimitFlags;
use super::warn;

/// Loads the component that is named, or the one that comes with this program.
pub(super) fn load(file: Option<&Path>, limits: &LimitFlags) -> anyhow::Result<Plugin> {
    load_with(file, limits, true)
}

/// The same on this thread alone: a service has as many threads on a large machine as on a small one.
pub(super) fn load_alone(file: Option<&Path>, limits: &LimitFlags) -> anyhow::Result<Plugin> {
    load_with(file, limits, false)
}

fn load_with(file: Option<&Path>, limits: &LimitFlags, parallel: bool) -> anyhow::Result<Plugin> {
    let artifact = Artifact::find(file)?;
    let mut options = Options::default();
    limits.set(&mut options);
    options.parallel_compilation = parallel;
    plugin(artifact.bytes(), &options).with_context(|| format!("cannot use {}", artifact.origin()))
}

/// Loads a component, and keeps its code, where that is safe, unless this program has it already.
pub(super) fn plugin(component: &[u8], options: &Options) -> Result<Plugin, Error> {
    Plugin::load_with_cache(component, options, || {
        let dir = CacheDir::find().map_err(anyhow::Error::from);
        let unkept = "compiled code is not kept, which makes every start slower";
        dir.inspect_err(|err| warn(&format!("{unkept}: {err:#}"))).ok()
    })
}

/// The files of the pack that is linked into this program.
const RULES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Fails if the component that is named, or the one that comes with this program, has another pack
/// than the one that is linked into this program.
///
/// A component describes its rules, not their conditions: those are printed from the linked pack.
pub(super) fn check_pack(file: Option<&Path>) -> anyhow::Result<()> {
    let artifact = match Artifact::find(file) {
        // Then there is no other pack.
        Err(ArtifactError::Missing { .. }) if file.is_none() => return Ok(()),
        artifact => artifact?,
    };
    let origin = artifact.origin();
    let said = orgwatch_artifact::Artifact::read(artifact.bytes())
        .with_context(|| format!("cannot tell which rules {origin} has"))?;
    let same = said.pack.rules.len() == RULES.len()
        && said
            .pack
            .rules
            .iter()
            .zip(RULES)
            .all(|(rule, (file, yaml))| rule.file == *file && rule.digest == digest(yaml));
    if !same {
        bail!("{origin} has other rules than this program: use the orgwatch of its release");
    }
    Ok(())
}
