//! The service's log, on standard error.

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::fmt;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// A line for a person
    Text,
    /// One JSON object a line
    Json,
}

/// From which level on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogLevel {
    /// What is lost or cannot go on
    Error,
    /// What needs a look
    Warn,
    /// Starts, stops, and each finding
    Info,
    /// Each unreadable event, each save
    Debug,
}

/// Starts logging. Text of events is quoted or JSON in either format, so that it makes no lines of its
/// own.
pub(super) fn start(format: Option<LogFormat>, level: LogLevel) {
    let format = format.unwrap_or(match io::stderr().is_terminal() {
        true => LogFormat::Text,
        false => LogFormat::Json,
    });
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    // A log that cannot be written is no reason to stop: what it says of that would panic.
    let log = fmt().log_internal_errors(false);
    let log = log.with_max_level(level).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
