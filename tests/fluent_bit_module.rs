//! The module for Fluent Bit, driven as its `wasm` filter drives it: tag and record are copied into
//! the module's memory with its own `malloc`, the function is called with six numbers, a C string is
//! read back, and both copies are freed.
#![allow(missing_docs)]

use std::fs;
use std::sync::OnceLock;

use serde_json::Value;
use wasmtime::{Config, Engine, Instance, Memory, Module, Store, TypedFunc};

use crate::support;

type Call = TypedFunc<(u32, u32, u32, u32, u32, u32), u32>;

/// The filter of one Fluent Bit.
pub struct Filter {
    pub store: Store<()>,
    pub memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    call: Call,
    counters: TypedFunc<(), u32>,
}

pub fn bytes() -> Vec<u8> {
    let name = format!("dist/orgwatch-{}-fluent-bit.wasm", env!("CARGO_PKG_VERSION"));
    fs::read(support::root().join(name)).expect("cargo xtask test builds the module first")
}

/// Compiled once.
pub fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| compile(&Config::new()))
}

pub fn compile(config: &Config) -> Module {
    Module::from_binary(&Engine::new(config).unwrap(), &bytes()).expect("the module compiles")
}

impl Filter {
    pub fn new(settings: &str) -> Self {
        let mut filter = Self::of(module());
        if settings != "{}" {
            filter.settle(settings);
        }
        filter
    }

    pub fn of(module: &Module) -> Self {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[]).expect("it imports nothing");
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let malloc = instance.get_typed_func(&mut store, "malloc").unwrap();
        let free = instance.get_typed_func(&mut store, "free").unwrap();
        let call = instance.get_typed_func(&mut store, "orgwatch").unwrap();
        let counters = instance.get_typed_func(&mut store, "orgwatch_counters").unwrap();
        Filter { store, memory, malloc, free, call, counters }
    }

    /// Settings where `orgwatch bake` would have put them.
    fn settle(&mut self, settings: &str) {
        let at = self.duplicate(settings.as_bytes());
        let data = self.memory.data_mut(&mut self.store);
        let magic = orgwatch::embedded_config::MAGIC;
        let header = data.windows(magic.len()).position(|bytes| bytes == magic).unwrap();
        let slice = &mut data[header + 32..header + 40];
        slice[..4].copy_from_slice(&at.to_le_bytes());
        slice[4..].copy_from_slice(&(settings.len() as u32).to_le_bytes());
    }

    /// A copy with a zero byte behind it.
    fn duplicate(&mut self, text: &[u8]) -> u32 {
        let at = self.malloc.call(&mut self.store, text.len() as u32 + 1).unwrap();
        assert_ne!(at, 0, "there is memory");
        let memory = &mut self.memory.data_mut(&mut self.store)[at as usize..][..text.len() + 1];
        memory[..text.len()].copy_from_slice(text);
        memory[text.len()] = 0;
        at
    }

    /// The filter's answer for a record; `None` if it is the record's own pointer, an error if it traps.
    pub fn try_filter(&mut self, record: &[u8]) -> wasmtime::Result<Option<Vec<u8>>> {
        let (tag, copy) = (self.duplicate(b"cloudtrail"), self.duplicate(record));
        let length = record.len() as u32;
        let answer = self.call.call(&mut self.store, (tag, 10, 1_700_000_000, 5, copy, length));
        let answer = answer.map(|answer| {
            let memory = &self.memory.data(&self.store)[answer as usize..];
            let end = memory.iter().position(|byte| *byte == 0).expect("it is a C string");
            assert!(
                answer != 0 && (end > 0 || answer == copy),
                "null or empty: the record is lost"
            );
            (answer != copy).then(|| memory[..end].to_vec())
        });
        for copy in [tag, copy] {
            self.free.call(&mut self.store, copy)?;
        }
        answer
    }

    pub fn filter(&mut self, record: &[u8]) -> Option<Vec<u8>> {
        let answer = self.try_filter(record);
        answer.unwrap_or_else(|trap| panic!("{trap:?}: {}", String::from_utf8_lossy(record)))
    }

    pub fn counters(&mut self) -> Value {
        let at = self.counters.call(&mut self.store, ()).unwrap() as usize;
        let memory = &self.memory.data(&self.store)[at..];
        let end = memory.iter().position(|byte| *byte == 0).unwrap();
        serde_json::from_slice(&memory[..end]).unwrap()
    }
}
