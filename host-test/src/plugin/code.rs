//! Code of the embedded component that was compiled when this program was built.

#![expect(
    unsafe_code,
    reason = "wasmtime runs compiled code as it is, and so does the program that carries it"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

use super::artifact;

/// The component with this digest, if this program carries its code and an engine takes it: one with other
/// settings, or on another processor than the code is for, does not.
pub(super) fn of(engine: &Engine, digest: &str) -> Option<Component> {
    let code = artifact::code_of(digest)?;
    // SAFETY: the bytes are what wasmtime compiled of this component when the program was built. They are part
    // of the program, so whoever could change them could change any of its code.
    unsafe { Component::deserialize(engine, code) }.ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use wasmtime::Engine;

    use super::super::{Artifact, Options, Plugin};

    #[test]
    fn the_embedded_component_is_not_compiled_again() {
        let artifact = Artifact::embedded().expect("the tests are built with one");
        let asked = Cell::new(false);
        let load = |options: &Options| {
            let cache = || {
                asked.set(true);
                None
            };
            Plugin::load_with_cache(artifact.bytes(), options, cache).unwrap()
        };
        let ahead = load(&Options::default());
        let code = super::artifact::code_of(ahead.digest());
        assert_eq!(ahead.is_compiled_ahead(), code.is_some());
        assert_eq!(asked.get(), code.is_none());
        let now = load(&Options { compiled_ahead: false, ..Options::default() });
        assert!(!now.is_compiled_ahead());
        assert!(asked.get());

        let incident = include_bytes!("../../../samples/incident.ndjson");
        let found = |plugin: &Plugin| plugin.open("{}").unwrap().detect_batch(incident).unwrap();
        assert_eq!(found(&ahead), found(&now));
        assert!(!found(&now).findings.is_empty());
    }

    #[test]
    fn code_that_does_not_fit_the_engine_is_compiled_instead() {
        let artifact = Artifact::embedded().expect("the tests are built with one");
        let engine = Engine::new(orgwatch_engine::config().consume_fuel(true)).unwrap();
        let plugin =
            Plugin::load_with_engine(engine, artifact.bytes(), &Options::default()).unwrap();
        assert!(!plugin.is_compiled_ahead());
    }
}
