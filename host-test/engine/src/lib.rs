//! The settings of wasmtime that orgwatch runs components with, and compilation of a component ahead of time.
//!
//! Code that was compiled with these settings is loaded where a component would otherwise be compiled. It is
//! made for a baseline of its architecture, not for the processor that it is made on; wasmtime refuses it on
//! a processor that has less.

use wasmtime::{Config, Engine, Result};

/// An architecture for which components are compiled ahead, its target, and the features of its processors that
/// code may use beyond those that all have.
type Baseline = (&'static str, &'static str, &'static [&'static str]);

/// Of x86-64 the third level (Haswell, Zen and later): without it, vectors cost a fifth more of a guest's time.
const BASELINES: [Baseline; 2] = [
    (
        "x86_64",
        "x86_64-unknown-linux-gnu",
        &[
            "has_cmpxchg16b",
            "has_sse3",
            "has_ssse3",
            "has_sse41",
            "has_sse42",
            "has_popcnt",
            "has_avx",
            "has_avx2",
            "has_fma",
            "has_bmi1",
            "has_bmi2",
            "has_lzcnt",
        ],
    ),
    ("aarch64", "aarch64-unknown-linux-gnu", &[]),
];

/// The settings that compiled code depends on. A guest's time is bounded by epochs.
///
/// Without what only backtraces need, of which none is shown, the code is a seventh shorter, and so is its loading.
pub fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config
}

/// The code of a component for the architecture of this program. None where components are not compiled ahead.
pub fn compile(component: &[u8]) -> Result<Option<Vec<u8>>> {
    let baseline = BASELINES.iter().find(|(arch, ..)| *arch == std::env::consts::ARCH);
    let Some((_, target, features)) = baseline else { return Ok(None) };
    let mut config = config();
    config.target(target)?;
    for feature in *features {
        enable(&mut config, feature);
    }
    Engine::new(&config)?.precompile_component(component).map(Some)
}

/// Lets code use a feature of processors.
#[expect(unsafe_code, reason = "wasmtime takes names of features unchecked")]
fn enable(config: &mut Config, feature: &str) {
    // SAFETY: these settings compile and never run anything, and each name is one of a feature of the processor,
    // which wasmtime looks for where the code is loaded.
    unsafe { config.cranelift_flag_enable(feature) };
}
