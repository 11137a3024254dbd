//! The work that a worst case takes, counted in instructions of the component: no clock, no other
//! process and no fast machine changes it.

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use super::*;

/// The types that `bindgen!` makes of the contract.
#[allow(missing_docs)]
mod contract {
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin" });
}

/// Room enough for any of these.
const FUEL: u64 = 1 << 50;

/// Those of a large organization, in whose list of accounts the one that acts is the last.
fn settings() -> String {
    let others = (1..10_000_u64).map(|n| format!("\"{n:012}\","));
    format!(r#"{{"accounts":[{}"444455556666"]}}"#, others.collect::<String>())
}

/// Examines a case; says how many instructions that took, and whether the exit was found.
fn work(engine: &Engine, component: &Component, events: &str) -> (u64, bool) {
    let mut store = Store::new(engine, ());
    store.set_fuel(FUEL).unwrap();
    let plugin =
        contract::Plugin::instantiate(&mut store, component, &Linker::new(engine)).unwrap();
    let detector = plugin.orgwatch_detector_detection().detector();
    let opened = detector.call_open(&mut store, &settings(), &[]).unwrap().unwrap();
    store.set_fuel(FUEL).unwrap();
    let batch = detector.call_detect_batch(&mut store, opened, events.as_bytes()).unwrap();
    let found = batch.findings.iter().any(|one| one.finding.rule == "member-left-organization");
    let denied = batch.findings.iter().any(|one| one.finding.rule == "member-leave-denied");
    (FUEL - store.get_fuel().unwrap(), found || denied)
}

/// The square of the size, or twenty times as much for each byte as the others.
#[test]
fn work_grows_as_the_input_does() {
    let artifact = orgwatch_host::plugin::Artifact::find(None);
    let artifact = artifact.expect("cargo xtask test builds the component first");
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_binary(&engine, artifact.bytes()).unwrap();
    const SIZE: usize = 256 << 10;
    let mut wrong = Vec::new();
    for (name, make) in CASES {
        let [once, twice] = [SIZE, 2 * SIZE].map(make);
        let (small, found) = work(&engine, &component, &once);
        let (large, found_too) = work(&engine, &component, &twice);
        let (per_byte, growth) = (large as f64 / twice.len() as f64, large as f64 / small as f64);
        println!(
            "{per_byte:7.0} instructions a byte, {growth:.2} times as many for twice the size: {name}"
        );
        if !found || !found_too {
            wrong.push(format!("{name}: the exit is not found"));
        }
        // A finding is several times as long as its event, and each exit completes chains.
        let most = if name == &"findings" { 1600.0 } else { 1000.0 };
        if growth > 2.2 || per_byte > most {
            wrong.push(format!(
                "{name}: {per_byte:.0} instructions a byte, {growth:.2} times as many"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
