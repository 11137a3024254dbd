//! `orgwatch`: detects AWS accounts being taken out of their organization.
//!
//! Exit codes, which scripts may rely on:
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done; also when what reads the output has gone away, if nothing says otherwise by then |
//! | 1 | there are findings at or above `--fail-on`, or cases that do not hold |
//! | 2 | something could not be read or used, whatever else was found |

use std::process::ExitCode;

mod allocator;
mod cli;

fn main() -> ExitCode {
    allocator::give_back_long_ones();
    match cli::run() {
        Ok(status) => status.into(),
        Err(err) if cli::is_unread(&err) => ExitCode::SUCCESS,
        Err(err) => {
            cli::report(&err);
            cli::Status::Unusable.into()
        }
    }
}
