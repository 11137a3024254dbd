//! What the host's reader uses of the crate `zstd`, under the same names, on `ruzstd`: no C compiler for
//! WebAssembly is needed, and the page stays small.
//!
//! Windows of more than 100 MiB are refused, which `zstd --long=27` alone writes; the host takes 128 MiB.

pub mod stream {
    //! Streams, as in `zstd`.

    pub mod read {
        //! Reading of what is in memory, as in `zstd`.

        pub use crate::read::Decoder;
    }

    pub mod raw {
        //! Decompression step by step, as in `zstd`.

        pub use crate::buffer::{InBuffer, OutBuffer};
        pub use crate::decoder::{DParameter, Decoder, Operation};
    }
}

mod buffer;
mod decoder;
mod read;
#[cfg(test)]
mod tests;
