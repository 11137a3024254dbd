//! The output of `bindgen!`. Private: callers see the host's own types.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
});
