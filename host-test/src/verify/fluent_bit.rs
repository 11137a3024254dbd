//! The module for Fluent Bit, driven as its `wasm` filter drives it: each record copied in, one
//! function called, what comes back read as a C string.
//!
//! It is not Fluent Bit that runs it here, nor Fluent Bit's interpreter. This shows that the module
//! finds what it must; `tests/fluent_bit_router.rs` shows that Fluent Bit can run it.

use memchr::{memchr, memmem};
use orgwatch::embedded_config::MAGIC;
use orgwatch_artifact::Case;
use serde_json::Value;
use wasmtime::{
    Config, Engine, Instance, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc,
};

use super::cases::{Fit, Outcome, differs};
use crate::bake::header;
use crate::plugin::Options;

/// The limit of one case, in wasmtime's units: a few seconds.
const FUEL: u64 = 20_000_000_000;

/// The compiled module.
#[derive(Debug)]
pub(super) struct FluentBit {
    engine: Engine,
    module: Module,
    max_memory: usize,
}

impl FluentBit {
    pub(super) fn load(bytes: &[u8]) -> Result<Self, String> {
        let load = || {
            let engine = Engine::new(Config::new().consume_fuel(true))?;
            let module = Module::from_binary(&engine, bytes)?;
            Ok(FluentBit { engine, module, max_memory: Options::default().max_memory })
        };
        load().map_err(|err: wasmtime::Error| format!("{err:#}"))
    }
}

/// Runs cases. Fluent Bit passes no settings: those of a case are put where baking puts them.
///
/// A finding that was given before is expected of no filter: it leaves repetitions out.
pub(super) fn run(
    module: &FluentBit,
    cases: &[Case],
    fit: Fit,
    pack: Option<&[u8]>,
) -> Vec<Outcome> {
    let run = |case: &Case| {
        let problem = match found(module, case, pack.unwrap_or_default()) {
            Ok(found) => differs(case, &found, fit, true),
            Err(err) => Some(format!("{:#}", err)),
        };
        Outcome { name: case.name.clone(), problem }
    };
    cases.iter().map(run).collect()
}

fn found(module: &FluentBit, case: &Case, pack: &[u8]) -> wasmtime::Result<Vec<Value>> {
    let mut filter = Filter::start(module)?;
    filter.set(&case.settings.to_string(), pack)?;
    let mut all = Vec::new();
    for line in case.events.lines() {
        // Nothing else reaches a filter: what is no object, Fluent Bit's parsers make one of.
        if line.trim_start().starts_with('{') {
            all.extend(filter.findings(line)?);
        }
    }
    Ok(all)
}

struct Filter {
    store: Store<StoreLimits>,
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    orgwatch: TypedFunc<(u32, u32, u32, u32, u32, u32), u32>,
}

impl Filter {
    fn start(module: &FluentBit) -> wasmtime::Result<Self> {
        let limits = StoreLimitsBuilder::new().memory_size(module.max_memory).build();
        let mut store = Store::new(&module.engine, limits);
        store.limiter(|limits| limits);
        store.set_fuel(FUEL)?;
        let instance = Instance::new(&mut store, &module.module, &[])?;
        let memory = instance.get_memory(&mut store, "memory");
        Ok(Filter {
            memory: memory.ok_or_else(|| wasmtime::format_err!("it exports no memory"))?,
            malloc: instance.get_typed_func(&mut store, "malloc")?,
            free: instance.get_typed_func(&mut store, "free")?,
            orgwatch: instance.get_typed_func(&mut store, "orgwatch")?,
            store,
        })
    }

    /// Replaces what is baked in by these settings, this pack and no memory.
    fn set(&mut self, settings: &str, pack: &[u8]) -> wasmtime::Result<()> {
        let at = memmem::find(self.memory.data(&self.store), &MAGIC)
            .ok_or_else(|| wasmtime::format_err!("it has no place for settings"))?;
        // `{}` would be settings too, and is what a module without any starts with.
        let slices = match (settings, pack) {
            ("{}", []) => header::EMPTY,
            _ => {
                let both = [settings.as_bytes(), pack].concat();
                header::slices(self.copy(&both)?, [settings.len(), 0, pack.len()])
            }
        };
        self.memory.write(&mut self.store, at + header::AT_SLICES.start, &slices)?;
        Ok(())
    }

    fn findings(&mut self, record: &str) -> wasmtime::Result<Vec<Value>> {
        let (tag, at) = (self.copy(b"verify")?, self.copy(record.as_bytes())?);
        let arguments = (tag, 6, 0, 0, at, record.len() as u32);
        let back = self.orgwatch.call(&mut self.store, arguments)?;
        let text = self.text(back)?;
        self.free.call(&mut self.store, tag)?;
        self.free.call(&mut self.store, at)?;
        if back == at {
            return Ok(Vec::new());
        }
        let mut record: Value = serde_json::from_slice(&text)
            .map_err(|err| wasmtime::format_err!("it gives a record that is no JSON: {err}"))?;
        if !record["orgwatch_error"].is_null() {
            return Err(wasmtime::format_err!("it gives {record}"));
        }
        let mut findings = match record["orgwatch"].take() {
            Value::Array(findings) => findings,
            _ => Vec::new(),
        };
        for keys in findings.iter_mut().filter_map(Value::as_object_mut) {
            keys.remove("artifact");
        }
        Ok(findings)
    }

    /// Bytes with a zero byte behind it, as Fluent Bit copies it.
    fn copy(&mut self, text: &[u8]) -> wasmtime::Result<u32> {
        let at = self.malloc.call(&mut self.store, text.len() as u32 + 1)?;
        wasmtime::ensure!(at != 0, "it has no memory for a record");
        self.memory.write(&mut self.store, at as usize, text)?;
        self.memory.write(&mut self.store, at as usize + text.len(), &[0])?;
        Ok(at)
    }

    fn text(&self, at: u32) -> wasmtime::Result<Vec<u8>> {
        let rest = self.memory.data(&self.store).get(at as usize..).unwrap_or_default();
        let end = memchr(0, rest).filter(|end| *end > 0);
        let end = end.ok_or_else(|| wasmtime::format_err!("it gives no record back"))?;
        Ok(rest[..end].to_vec())
    }
}
