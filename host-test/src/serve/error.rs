//! Why a service cannot start or go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::plugin;
use crate::state::ResumeError;

/// Why a service cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The detector cannot be opened, or does not take the state.
    #[error("cannot open the detector")]
    Detector(#[from] plugin::Error),

    /// The state cannot be used. It was left as it is.
    #[error(transparent)]
    State(#[from] ResumeError),

    /// The file for findings cannot be opened.
    #[error("cannot write findings to {path}")]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The thread of the detector cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),

    /// A file for the connection to NATS cannot be used.
    #[error("cannot use {path} for the connection to NATS")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The connection to NATS cannot be set up.
    #[error("cannot connect to NATS: {0}")]
    Stream(String),

    /// It was built without the feature `nats`.
    #[error("this orgwatch was built without NATS: build it with the feature nats")]
    NoNats,

    /// No working detector could be made any more.
    #[error("the detector failed and cannot be opened again: the log says why")]
    DetectorStopped,

    /// Nobody reads the findings any more.
    #[error(
        "standard output is closed, and there is nowhere for findings to go: what could not be \
         written is still with its senders; start this again with whoever reads it, or give --out"
    )]
    Closed,
}
