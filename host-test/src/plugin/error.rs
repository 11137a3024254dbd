//! Errors of a component.

use std::fmt;
use std::time::Duration;

use orgwatch::settings::Problem;

/// A component that could not be loaded, opened or called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// wasmtime itself could not be set up.
    #[error("wasmtime cannot run here")]
    Engine(#[source] Cause),

    /// The bytes are not a component that this wasmtime can compile.
    #[error("not a WebAssembly component that can be used")]
    Compile(#[source] Cause),

    /// The component asks for something. A detector needs nothing, so this is not one of ours.
    #[error("the component imports {}: a detector imports nothing", .0.join(", "))]
    Imports(Vec<String>),

    /// The component is one, but does not keep the contract.
    #[error("the component does not export orgwatch:detector/detection")]
    Contract(#[source] Cause),

    /// Settings were refused.
    #[error("{}", Problems(.0))]
    Settings(Vec<Problem>),

    /// The guest trapped, or answered with something that is no answer.
    #[error("the component trapped: {0}")]
    Trapped(String, #[source] Cause),

    /// The guest took too long.
    #[error("the component took longer than {0:?}")]
    Deadline(Duration),

    /// The guest was refused memory, and ended.
    #[error("the component wanted more than {0} bytes of memory")]
    Memory(usize, #[source] Cause),

    /// The guest answered with more findings than one call may have.
    #[error("the component answered with more than {0} findings")]
    TooManyFindings(usize),

    /// The guest refused an event or a state.
    #[error("{0}")]
    Refused(String),

    /// After a trap, no working guest could be made from the state saved last.
    #[error("the detector could not be rebuilt after a trap")]
    Rebuild(#[source] Box<Error>),

    /// More bytes than the contract's 32-bit places can address.
    #[error("a batch of {0} bytes is too long: 1 GiB is the most")]
    BatchTooLong(usize),
}

struct Problems<'a>(&'a [Problem]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// wasmtime's error as a standard one, which it is not by itself.
#[derive(Debug)]
pub struct Cause(wasmtime::Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Cause {}

impl From<wasmtime::Error> for Cause {
    fn from(err: wasmtime::Error) -> Self {
        Cause(err)
    }
}

impl Error {
    /// A failed call: a deadline is told from a trap by what stopped it.
    pub(super) fn from_call(err: wasmtime::Error, deadline: Duration) -> Self {
        if let Some(wasmtime::Trap::Interrupt) = err.downcast_ref() {
            return Error::Deadline(deadline);
        }
        // The root alone: what wraps it is a backtrace of wasm functions, which says nothing here.
        Error::Trapped(err.root_cause().to_string(), err.into())
    }

    /// Whether the guest is gone, or remembers what nobody was told, and has to be rebuilt; as opposed to
    /// having refused something.
    pub(super) fn needs_new_instance(&self) -> bool {
        matches!(
            self,
            Error::Trapped(..)
                | Error::Deadline(_)
                | Error::Memory(..)
                | Error::TooManyFindings(_)
                | Error::Rebuild(_)
        )
    }
}
