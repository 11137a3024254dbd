//! The work of the component, counted in its instructions: no clock, no other process and no fast machine
//! changes it.

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, Store};

/// The types that `bindgen!` makes of the contract.
#[allow(missing_docs)]
mod contract {
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin" });
}

pub(crate) use contract::exports::orgwatch::detector::detection::Batch;

/// Room enough for any of these.
const FUEL: u64 = 1 << 50;

/// The component, compiled to count.
pub(crate) struct Counted {
    engine: Engine,
    component: Component,
}

/// A detector, and what each of its calls took.
pub(crate) struct Detector {
    store: Store<()>,
    plugin: contract::Plugin,
    detector: ResourceAny,
}

impl Counted {
    pub(crate) fn load() -> Self {
        let artifact = orgwatch_host::plugin::Artifact::find(None);
        let artifact = artifact.expect("cargo xtask test builds the component first");
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::from_binary(&engine, artifact.bytes()).unwrap();
        Counted { engine, component }
    }

    pub(crate) fn open(&self, settings: &str) -> Detector {
        let mut store = Store::new(&self.engine, ());
        store.set_fuel(FUEL).unwrap();
        let linker = Linker::new(&self.engine);
        let plugin = contract::Plugin::instantiate(&mut store, &self.component, &linker).unwrap();
        let detection = plugin.orgwatch_detector_detection().detector();
        let detector = detection.call_open(&mut store, settings, &[]).unwrap().unwrap();
        Detector { store, plugin, detector }
    }
}

impl Detector {
    /// Examines a batch, and says how many instructions that took.
    pub(crate) fn detect_batch(&mut self, events: &[u8]) -> (Batch, u64) {
        self.store.set_fuel(FUEL).unwrap();
        let detector = self.plugin.orgwatch_detector_detection().detector();
        let batch = detector.call_detect_batch(&mut self.store, self.detector, events).unwrap();
        (batch, FUEL - self.store.get_fuel().unwrap())
    }
}
