//! What `bindgen!` makes of the contract. Private: the host's own types are what others see.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
});
