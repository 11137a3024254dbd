//! The component in wasmtime.
//!
//! [`Plugin::load`] compiles a component once; [`Plugin::open`] makes a detector of it, as often as
//! there are threads to feed. The guest gets memory and time, both bounded, and nothing else: it
//! has no imports. What it answers is checked before anybody uses it.
//!
//! Screening, which only tells events that no rule can match from those that one may, is native where the
//! component is compiled from the sources that this program is linked with. Findings come from the guest
//! alone.

mod artifact;
pub(crate) mod bindings;
mod cache;
mod code;
mod convert;
mod detector;
mod digest;
mod error;
mod guest;
mod linked;
mod memory_limit;
mod recovery;
mod replay_log;
#[cfg(test)]
pub(crate) mod tests;
mod ticker;
mod time_budget;
mod types;

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::{Component as ComponentType, ComponentItem};
use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, CacheConfig, Engine};

pub use artifact::{Artifact, ArtifactError, Origin};
pub use cache::{CacheDir, CacheError};
pub use detector::Detector;
pub use error::{Cause, Error};
#[cfg(feature = "scan")]
pub(crate) use linked::Screener;
pub use orgwatch::settings::Problem;
pub use types::{
    Batch, Counter, Counts, Description, Located, Place, Rule, Screened, Span, Unreadable,
};

use bindings::PluginPre;
use guest::Guest;
use memory_limit::MemoryLimit;

/// Limits of a guest, and how it is compiled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where to keep compiled code; nowhere, by default.
    pub cache: Option<CacheDir>,
    /// How long opening a detector, saving or merging its memory may take: 30 s.
    pub open_deadline: Duration,
    /// How long examining one batch may take: 10 s.
    pub call_deadline: Duration,
    /// How long the search for the events at fault may take, after a batch on which the guest was lost: 15 s.
    /// What is not examined then counts as [trapped](Counts::trapped), and is named.
    pub recovery_deadline: Duration,
    /// The most memory of one detector, in bytes: 1 GiB.
    pub max_memory: usize,
    /// The most findings of one call: 100,000. A batch with more is examined in parts, and may have ten times as
    /// many in all; an event with more counts as [trapped](Counts::trapped).
    pub max_findings: usize,
    /// Whether a component is compiled by as many threads as there are cores, which stay: yes.
    pub parallel_compilation: bool,
    /// Whether events are [screened](Detector::screen) by the native code that this program is linked with,
    /// where the component is [compiled from the same sources](Artifact::screened_natively): yes. What may
    /// match is examined by the component at any rate.
    pub native_screening: bool,
    /// Whether the code of the embedded component is taken that was compiled when this program was built: yes.
    /// Any other component is compiled, and so is that one where the code does not fit the engine.
    pub compiled_ahead: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: None,
            open_deadline: Duration::from_secs(30),
            call_deadline: Duration::from_secs(10),
            recovery_deadline: Duration::from_secs(15),
            max_memory: 1 << 30,
            max_findings: 100_000,
            parallel_compilation: true,
            native_screening: true,
            compiled_ahead: true,
        }
    }
}

/// A compiled component. Cheap to clone; clones share the code.
#[derive(Clone)]
pub struct Plugin {
    engine: Engine,
    pre: PluginPre<MemoryLimit>,
    digest: String,
    is_compiled_ahead: bool,
    options: Options,
    packs: Arc<[Vec<u8>]>,
}

impl Plugin {
    /// Compiles a component, or takes its code from the cache; or, for the component that is embedded in this
    /// program, the code that is embedded beside it.
    ///
    /// Blocks while it compiles: seconds on one core, milliseconds otherwise. Starts a thread
    /// that lasts as long as the engine.
    ///
    /// Fails on what is no component, on one with imports, and on one without the contract.
    pub fn load(component: &[u8], options: &Options) -> Result<Self, Error> {
        Self::load_with_cache(component, options, || options.cache.clone())
    }

    /// As [`load`](Self::load), with a cache that is only asked for where something has to be compiled, in place of
    /// [`Options::cache`].
    pub fn load_with_cache(
        component: &[u8],
        options: &Options,
        cache: impl FnOnce() -> Option<CacheDir>,
    ) -> Result<Self, Error> {
        let digest = artifact::digest_of(component);
        let engine = |cache| engine(options, cache).map_err(|err| Error::Engine(err.into()));
        if options.compiled_ahead && artifact::code_of(&digest).is_some() {
            let engine = engine(None)?;
            if let Some(code) = code::of(&engine, &digest) {
                return Self::link(engine, &code, digest, true, options);
            }
        }
        Self::compile(engine(cache())?, component, digest, options)
    }

    /// As [`load`](Self::load), with an engine that the program has already.
    ///
    /// **Warning**: the engine must be made with [`wasmtime::Config::epoch_interruption`]. Without it no
    /// deadline ends a call: an event on which the guest loops blocks its thread for ever. The
    /// engine's epoch is moved on every 10 ms by a thread that this starts, so nothing else may do
    /// so. [`Options::cache`] and [`Options::parallel_compilation`] belong to the making of an engine
    /// and are not looked at.
    pub fn load_with_engine(
        engine: Engine,
        component: &[u8],
        options: &Options,
    ) -> Result<Self, Error> {
        let digest = artifact::digest_of(component);
        match options.compiled_ahead.then(|| code::of(&engine, &digest)).flatten() {
            Some(code) => Self::link(engine, &code, digest, true, options),
            None => Self::compile(engine, component, digest, options),
        }
    }

    fn compile(
        engine: Engine,
        component: &[u8],
        digest: String,
        options: &Options,
    ) -> Result<Self, Error> {
        // From binary, not from text: the digest is of what runs.
        let code = Component::from_binary(&engine, component);
        let code = code.map_err(|err| Error::Compile(err.into()))?;
        Self::link(engine, &code, digest, false, options)
    }

    fn link(
        engine: Engine,
        code: &Component,
        digest: String,
        is_compiled_ahead: bool,
        options: &Options,
    ) -> Result<Self, Error> {
        refuse_imports(&engine, &code.component_type())?;
        let linker = Linker::new(&engine);
        let pre = linker
            .instantiate_pre(code)
            .and_then(PluginPre::new)
            .map_err(|err| Error::Contract(err.into()))?;
        ticker::start(&engine).map_err(|err| Error::Engine(wasmtime::Error::from(err).into()))?;
        let (options, packs) = (options.clone(), Arc::default());
        Ok(Plugin { engine, pre, digest, is_compiled_ahead, options, packs })
    }

    /// The same code, whose detectors run the rules of these compiled packs too, or alone if a pack
    /// says so. They are looked at when a detector is opened, and refused as [`Error::Settings`].
    #[must_use]
    pub fn with_packs(mut self, packs: Vec<Vec<u8>>) -> Self {
        self.packs = packs.into();
        self
    }

    /// SHA-256 of the component, as `sha256:<hex>`: what findings carry as the artifact's digest.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the component was compiled when this program was built.
    pub fn is_compiled_ahead(&self) -> bool {
        self.is_compiled_ahead
    }

    /// Opens a detector with settings: one JSON document, `{}` for the defaults.
    ///
    /// Blocks for milliseconds, at the most for [`Options::open_deadline`]. Each detector has an
    /// instance of the guest: some megabytes, more as its memory fills, and never more than
    /// [`Options::max_memory`].
    ///
    /// Fails with [`Error::Settings`], which names every setting and every pack that was refused.
    pub fn open(&self, settings: &str) -> Result<Detector, Error> {
        Detector::open(self, settings)
    }

    /// Whether this program is linked with what the component is compiled from, and may screen for it.
    fn is_linked(&self) -> bool {
        self.options.native_screening && Artifact::screened_natively() == Some(&*self.digest)
    }

    /// The component's version and the rules that it carries; [`Detector::rules`] has those that run.
    pub fn describe(&self) -> Result<Description, Error> {
        Ok(convert::description(Guest::instantiate(self)?.describe()?, self.digest.clone()))
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("digest", &self.digest).finish_non_exhaustive()
    }
}

fn engine(options: &Options, cache: Option<CacheDir>) -> wasmtime::Result<Engine> {
    let mut config = orgwatch_engine::config();
    config.parallel_compilation(options.parallel_compilation);
    if let Some(dir) = cache {
        let mut cache = CacheConfig::new();
        cache.with_directory(dir.path());
        config.cache(Some(Cache::new(cache)?));
    }
    Engine::new(&config)
}

/// A detector has no business with anything outside it. An instance that holds only types asks for
/// nothing: that is how a component refers to the types of an interface.
fn refuse_imports(engine: &Engine, component: &ComponentType) -> Result<(), Error> {
    let asks = |item: &ComponentItem| match item {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
        }
        _ => true,
    };
    let imports: Vec<String> = component
        .imports(engine)
        .filter(|(_, item)| asks(&item.ty))
        .map(|(name, _)| name.to_owned())
        .collect();
    if imports.is_empty() { Ok(()) } else { Err(Error::Imports(imports)) }
}
