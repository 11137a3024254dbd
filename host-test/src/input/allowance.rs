//! How much more of a file may be decompressed.

use std::io;

use super::Error;
use super::members::Failure;

/// How much more may be decompressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    limit: u64,
    left: u64,
    /// Whether it is for a whole compressed file. Otherwise each event that is compressed by itself
    /// has all of it.
    whole: bool,
}

impl Allowance {
    pub(super) fn new(limit: u64, whole: bool) -> Self {
        Allowance { limit, left: limit, whole }
    }

    /// All of it again, for what comes next.
    pub(super) fn renewed(&self) -> Self {
        Allowance::new(self.limit, true)
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The error of a file that has more than is allowed.
    pub(super) fn exceeded(&mut self) -> Error {
        self.left = 0;
        Error::TooLarge { limit: self.limit }
    }

    /// The error of a file of which so much was had.
    pub(super) fn error(&self, err: io::Error) -> Error {
        let read = self.limit - self.left;
        match err.downcast::<Failure>() {
            Ok(Failure::Read(err)) | Err(err) => Error::Read(err),
            Ok(Failure::Damaged { form, source }) => {
                Error::Compressed { form: form.name(), read, source }
            }
            Ok(Failure::TooLong) => Error::TooLarge { limit: self.limit },
            Ok(Failure::TooDeep) => Error::TooDeep,
        }
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        if self.whole {
            self.left = self.left.saturating_sub(bytes);
        }
    }
}
