//! The host's maker of reports, and what it uses of the host.

#[path = "../../../host-test/src/output/escape.rs"]
mod escape;
#[path = "../../../host-test/src/output/number.rs"]
mod number;
#[path = "../../../host-test/src/output/report/mod.rs"]
pub(crate) mod report;

pub(crate) use escape::{Escaped, escape};
pub(crate) use number::{number, plural};

/// What the report uses of the host's stories, which need a terminal.
pub(crate) mod story {
    use orgwatch::finding::Status;

    /// Whether a status is that of an alert, or of what follows one.
    pub(crate) fn of_an_alert(status: Status) -> bool {
        matches!(status, Status::New | Status::FollowUp)
    }
}
